// Hosts that take nothing more, and hosts that are emptied.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Event } from '../../src/contract/events.ts';
import type { Host } from '../../src/contract/host.ts';
import { waitFor } from '../../src/core/retry.ts';
import { cmig, cmigJson, cmigOk, hosts, images, lab, useLab } from './lab.ts';
import { settings } from './settings.ts';

useLab();

let folder: string;
/** Before anything happens here: a lab that was kept has heard of others before. */
const began = new Date().toISOString();

const manifestOf = (name: string, labels: string, host = 'host-a') => `
apiVersion: cmig.dev/v1
kind: Application
metadata: {name: ${name}, labels: ${labels}}
spec:
  host: ${host}
  containers:
    - name: main
      image: dir:${join(images, 'busybox')}
      command: [sleep, '1000000']
      stopTimeout: 100ms
`;

async function apply(...manifests: string[]) {
  const file = join(folder, 'manifests.yaml');
  await writeFile(file, manifests.join('---'));
  return cmig('apply', '--wait', '--allow-outside', '-f', file);
}

const hostOf = async (name: string) => (await cmigJson<Application>('get', 'app', name)).status.host;
const statusOf = async (host: string) => (await cmigOk('get', 'host', host, '--no-headers')).split(/ +/)[1];

beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'drain-'));
  await apply(
    manifestOf('one', '{tier: web}'),
    manifestOf('two', '{tier: web}'),
    manifestOf('three', '{tier: db}'),
  );
});
// The lab is the next file's, too.
afterAll(async () => {
  await cmigOk('uncordon', ...hosts);
  await rm(folder, { recursive: true });
});

describe('a host that is cordoned', () => {
  beforeAll(() => cmigOk('cordon', 'host-b'));
  afterAll(() => cmigOk('uncordon', 'host-b'));

  it('says so, and is cordoned and uncordoned as often as one likes', async () => {
    expect(await statusOf('host-b')).toBe('Ready,SchedulingDisabled');
    expect(await cmigOk('cordon', 'host-b', 'host/host-c')).toBe(
      'host/host-b already cordoned\nhost/host-c cordoned\n',
    );
    expect(await cmigJson('uncordon', 'host-c')).toEqual({
      hosts: [{ name: 'host-c', unschedulable: false, changed: true }],
    });
    expect(await cmigOk('uncordon', 'host-c')).toBe('host/host-c already uncordoned\n');
    expect((await cmigJson<Host>('get', 'host', 'host-b')).spec.unschedulable).toBe(true);
    const told = (await cmigOk('events', '--since', began, '--types', 'host', '-o', 'json'))
      .trim()
      .split('\n');
    expect(told.map((line) => JSON.parse(line) as Event).map(({ type, host }) => `${host} ${type}`)).toEqual(
      expect.arrayContaining(['host-b host.cordoned', 'host-c host.cordoned', 'host-c host.uncordoned']),
    );
    expect(await cmig('cordon', 'hots-b')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('did you mean "host-b"'),
    });
    expect((await cmig('cordon')).exitCode).toBe(2);
  });

  it('takes no new application and no migration, each with a way out', async () => {
    const applied = await apply(manifestOf('late', '{}', 'host-b'));
    expect(applied).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('cmig uncordon host-b') });
    const moved = await cmig('migrate', 'one', 'host-b');
    expect(moved).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('cmig uncordon host-b') });
    expect(await hostOf('one')).toBe('host-a');
  });

  it('is still cordoned when its agent was killed, and known to be by the others while it is away', async () => {
    await lab('kill', 'host-b', '--agent');
    try {
      await waitFor(async () => (await statusOf('host-b')) === 'NotReady,SchedulingDisabled', {
        timeoutMs: 30_000,
        intervalMs: 200,
        what: 'its absence',
      });
    } finally {
      await lab('start', 'host-b', '--agent');
    }
    await waitFor(async () => (await statusOf('host-b')) === 'Ready,SchedulingDisabled', {
      timeoutMs: 30_000,
      intervalMs: 200,
      what: 'its return',
    });
  });

  it('keeps what runs there, and lets it be changed', async () => {
    await cmigOk('cordon', 'host-a');
    try {
      await cmigOk('stop', 'one');
      await cmigOk('start', 'one');
      const changed = await apply(manifestOf('one', '{tier: web, changed: "yes"}'));
      expect(changed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('one configured') });
    } finally {
      await cmigOk('uncordon', 'host-a');
    }
  });
});
