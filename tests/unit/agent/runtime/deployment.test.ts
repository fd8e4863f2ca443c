// What a new deployment replaces, and what it lets run.
import { describe, expect, it } from '@jest/globals';
import { containersToReplace } from '../../../../agent/runtime/deployment.ts';
import type { ApplicationRecord } from '../../../../agent/store/application-store.ts';

const record = (changes: { db?: object; images?: object; address?: string } = {}): ApplicationRecord => ({
  manifest: {
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name: 'shop' },
    spec: {
      host: 'host-a',
      containers: [
        { name: 'db', image: 'dir:db', command: ['redis-server'], ...changes.db },
        { name: 'web', image: 'dir:web', command: ['web'] },
      ],
    },
  },
  images: { db: 'sha256:1', web: 'sha256:2', ...changes.images },
  epoch: 1,
  address: changes.address ?? '10.77.0.10',
  mac: '02:00:00:00:00:01',
  desired: 'running',
  createdAt: '2026-11-25T16:00:00Z',
});

describe('containersToReplace', () => {
  it('is nothing where nothing changed', () => {
    expect(containersToReplace(record(), record())).toEqual(new Set());
  });

  it('is the one whose definition or image changed', () => {
    expect(
      containersToReplace(record(), record({ db: { command: ['redis-server', '--port', '1'] } })),
    ).toEqual(new Set(['db']));
    expect(containersToReplace(record(), record({ images: { web: 'sha256:3' } }))).toEqual(new Set(['web']));
  });

  it('is the one that is gone', () => {
    const next = record();
    next.manifest.spec.containers.pop();
    expect(containersToReplace(record(), next)).toEqual(new Set(['web']));
  });

  it('is all of them where their baseline changed', () => {
    const next = record();
    next.manifest.spec.cpu = { baseline: 'x86-64-v2' };
    expect(containersToReplace(record(), next)).toEqual(new Set(['db', 'web']));
  });

  it('is all of them where the address changed, which they share', () => {
    expect(containersToReplace(record(), record({ address: '10.77.0.11' }))).toEqual(new Set(['db', 'web']));
  });
});
