// What counts as a difference between a manifest and what runs.
import { describe, expect, it } from '@jest/globals';
import type { ApplicationManifest } from '../../../src/contract/application.ts';
import { comparable, comparableOf, isEqual } from '../../../src/orchestrator/comparing.ts';
import { application } from './inventories.ts';

const running = application('shop', { host: 'host-b', address: '10.77.0.40' });
const digest = running.status.containers[0]!.image;

const isSame = (
  change: (manifest: Pick<ApplicationManifest, 'metadata' | 'spec'>) => void,
  image = digest,
) => {
  const manifest = structuredClone({ metadata: running.metadata, spec: running.spec });
  change(manifest);
  const stays = { address: running.status.address, firstHost: running.spec.host };
  return isEqual(comparableOf(running), comparable(manifest, { main: image }, stays));
};

describe('comparable', () => {
  it('ignores what says the same in another way, or what only migrate changes', () => {
    expect(isSame(() => {})).toBe(true);
    expect(isSame(({ spec }) => Object.assign(spec, { restartPolicy: 'Always', volumes: [] }))).toBe(true);
    expect(isSame(({ spec }) => Object.assign(spec, { host: 'host-c' }))).toBe(true);
    expect(isSame(({ spec }) => Object.assign(spec.containers[0]!, { image: 'dir:/elsewhere' }))).toBe(true);
    expect(isSame(({ spec }) => Object.assign(spec, { network: { address: '10.77.0.40' } }))).toBe(true);
    expect(isSame(({ metadata }) => Object.assign(metadata, { labels: {} }))).toBe(true);
  });

  it('sees every other change', () => {
    expect(isSame(() => {}, `sha256:${'b'.repeat(64)}`)).toBe(false);
    expect(isSame(({ spec }) => Object.assign(spec.containers[0]!, { command: ['/bin/other'] }))).toBe(false);
    expect(isSame(({ spec }) => Object.assign(spec, { network: { address: '10.77.0.41' } }))).toBe(false);
    expect(isSame(({ metadata }) => Object.assign(metadata, { labels: { a: 'b' } }))).toBe(false);
  });
});
