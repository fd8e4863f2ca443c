// What applying a manifest would change, and what it would not.
import { describe, expect, it } from '@jest/globals';
import type { Application, ApplicationManifest } from '../../../src/contract/application.ts';
import { diffApplications } from '../../../src/manifest/diff.ts';

const manifest: ApplicationManifest = {
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name: 'shop', labels: { b: '2', a: '1' } },
  spec: { host: 'host-a', containers: [{ name: 'db', image: 'dir:redis', command: ['redis-server'] }] },
};
const digest = `sha256:${'a'.repeat(64)}`;

const running = (spec: Partial<ApplicationManifest['spec']> = {}): Application => ({
  ...manifest,
  spec: { ...manifest.spec, ...spec },
  status: {
    host: 'host-b',
    phase: 'Running',
    epoch: 2,
    address: '10.77.0.10',
    mac: '02:00:00:00:00:01',
    containers: [{ name: 'db', image: digest, state: 'Running', ready: true, restarts: 0 }],
    createdAt: '2026-01-01T00:00:00Z',
  },
});

const wanting = (spec: Partial<ApplicationManifest['spec']>): ApplicationManifest => ({
  ...manifest,
  spec: { ...manifest.spec, ...spec },
});

const changedLines = (text: string): string[] => text.split('\n').filter((line) => /^[+-] /.test(line));

describe('diffApplications', () => {
  it('is all new where nothing runs', () => {
    const { changed, text } = diffApplications(undefined, manifest);
    expect(changed).toBe(true);
    expect(text.split('\n').slice(0, 3)).toEqual([
      '--- /dev/null',
      '+++ wanted/shop',
      expect.stringMatching(/^@@ -0,0 \+1,\d+ @@$/),
    ]);
    expect(text).toContain('+  name: shop\n');
    expect(text).not.toMatch(/^-[^-]/m);
  });

  it('leaves the host to migrate, and says so', () => {
    const { changed, text, notes } = diffApplications(running(), manifest);
    expect(changed).toBe(false);
    expect(notes).toEqual([
      expect.stringMatching(/spec.host is host-a, but shop runs on host-b.*cmig migrate/),
    ]);
    expect(text).toBe(`# ${notes[0]}\n`);
  });

  it('takes an absent address for the one that was chosen, and another one for a difference', () => {
    const at = (address: string) =>
      diffApplications(running(), wanting({ host: 'host-b', network: { address } }));
    expect(at('10.77.0.10')).toEqual({ changed: false, text: '', notes: [] });
    expect(changedLines(at('10.77.0.11').text)).toEqual([
      '-    address: 10.77.0.10',
      '+    address: 10.77.0.11',
    ]);
  });

  it('takes a default that is written out for no difference', () => {
    const wanted = wanting({
      host: 'host-b',
      restartPolicy: 'Always',
      containers: [{ ...manifest.spec.containers[0]!, stopTimeout: '10s', env: [], user: '0' }],
    });
    expect(diffApplications(running(), wanted).changed).toBe(false);
  });

  it('shows what changes, keys in the order of the schema', () => {
    const wanted = wanting({
      host: 'host-b',
      containers: [{ command: ['redis-server', '--save', ''], image: 'dir:redis', name: 'db' }],
    });
    const { changed, text } = diffApplications(running(), wanted);
    expect(changed).toBe(true);
    expect(changedLines(text)).toEqual(['+        - --save', '+        - ""']);
  });

  it('sees another image behind the same path, if it is told the digests', () => {
    const wanted = wanting({ host: 'host-b' });
    const other = digest.replace('aaa', 'bbb');
    expect(diffApplications(running(), wanted, { images: { db: digest } }).changed).toBe(false);
    expect(changedLines(diffApplications(running(), wanted, { images: { db: other } }).text)).toEqual([
      `-      image: dir:redis (${digest})`,
      `+      image: dir:redis (${other})`,
    ]);
  });
});
