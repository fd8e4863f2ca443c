// What is told of the ways to the world: each change once, and nothing that nobody can know.
import { expect, it } from '@jest/globals';
import { EgressWatch } from '../../../../agent/network/egress-watch.ts';

it('tells of a loss, of another way and of its return, and not before it knows', () => {
  const lost: Record<string, boolean | undefined> = { 'host-b': false, 'host-c': undefined };
  const told: string[] = [];
  const watch = new EgressWatch(
    { publish: (type, data) => told.push(`${type} ${(data as { egress: string }).egress}`) },
    (host) => lost[host],
  );
  const look = (egress: string) =>
    watch.look([{ application: 'shop', address: '10.77.0.10', mac: '02:00:00:00:00:01', epoch: 1, egress }]);
  look('host-c');
  expect([told, watch.problem('shop')]).toEqual([[], undefined]);
  lost['host-c'] = true;
  look('host-c');
  look('host-c');
  expect(watch.problem('shop')).toContain('start host-c, or apply it with another network.egress');
  // This host hears nobody any more.
  lost['host-c'] = undefined;
  look('host-c');
  expect(watch.problem('shop')).toContain('host-c');
  look('host-b');
  expect(watch.problem('shop')).toBeUndefined();
  expect(told).toEqual(['application.cut-off host-c', 'application.connected host-b']);
});
