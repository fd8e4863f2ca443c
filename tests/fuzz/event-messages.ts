// What others put on the exchange of events, to which agents listen: no events, wrong ones, and ones that lie.
import fc from 'fast-check';
import { events } from '../../src/contract/events.ts';
import { eventExchange } from '../../src/contract/protocol.ts';
import { fromSchema } from './from-schema.ts';
import { deepJson, hostileJson, hostileString } from './hostile-values.ts';
import type { FuzzMessage } from './messages.ts';

/** Those that an agent reads. */
const heardByAgents = ['host.heard', 'operation.ended'] as const;
const type = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...heardByAgents) },
  { weight: 1, arbitrary: fc.constantFrom<keyof typeof events>('application.changed', 'agent.started') },
);

const whole = type.chain((name) =>
  fc.record({
    id: fc.uuid(),
    type: fc.constant(name),
    time: fc.oneof(fc.constant('2026-01-01T00:00:00Z'), hostileString),
    host: fc.oneof(fc.constantFrom('host-a', 'peer-1'), hostileString),
    data: fromSchema(events[name].data),
  }),
);

const content: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 6, arbitrary: whole.map((event) => Buffer.from(JSON.stringify(event))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(whole, fc.constantFrom('id', 'type', 'time', 'host', 'data'), hostileJson)
      .map(([event, key, value]) => Buffer.from(JSON.stringify({ ...event, [key]: value }))),
  },
  { weight: 2, arbitrary: hostileJson.map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1000, 100_000).map((depth) => Buffer.from(deepJson.objects(depth))),
  },
);

export const eventMessage: fc.Arbitrary<FuzzMessage> = fc.tuple(type, content).map(([name, bytes]) => ({
  kind: 'event',
  to: {
    exchange: eventExchange,
    routingKey: `${'stat' in events[name] ? 'stat' : 'log'}.${name}.fuzz`,
  },
  content: () => bytes,
  withoutReplyTo: true,
  expectation: 'nothing',
}));
