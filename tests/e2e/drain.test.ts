// Hosts that take nothing more, and hosts that are emptied.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Event } from '../../src/contract/events.ts';
import type { Host } from '../../src/contract/host.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { DrainReport } from '../../src/orchestrator/moving/drain-host.ts';
import { cmig, cmigJson, cmigOk, hosts, images, lab, startCmig, useLab } from './lab.ts';
import { settings } from './settings.ts';

useLab();

let folder: string;
/** Before anything happens here: a lab that was kept has heard of others before. */
const began = new Date().toISOString();

const manifestOf = (name: string, labels: string, host = 'host-a', migration = '{}') => `
apiVersion: cmig.dev/v1
kind: Application
metadata: {name: ${name}, labels: ${labels}}
spec:
  host: ${host}
  migration: ${migration}
  containers:
    - name: main
      image: dir:${join(images, 'busybox')}
      # Some memory, so that a slow link is slow.
      command: [sh, -c, 'ballast=$(head -c 3000000 /dev/urandom | base64); while :; do sleep 5; done']
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
  const { exitCode, stderr } = await apply(
    manifestOf('one', '{tier: web}'),
    manifestOf('two', '{tier: web}'),
    manifestOf('three', '{tier: db}'),
    // So that their image is everywhere, and a slow link is slow for memory.
    manifestOf('there', '{}', 'host-b'),
    manifestOf('elsewhere', '{}', 'host-c'),
  );
  expect([exitCode, stderr]).toEqual([0, '']);
  await cmigOk('delete', 'there', 'elsewhere');
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
    const told = async () =>
      (await cmigOk('events', '--since', began, '--types', 'host', '-o', 'json'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Event)
        .map(({ type, host }) => `${host} ${type}`);
    // What is told comes behind what is.
    const steps = ['host-b host.cordoned', 'host-c host.cordoned', 'host-c host.uncordoned'];
    const isTold = async () => {
      const events = await told();
      return steps.every((step) => events.includes(step));
    };
    await waitFor(isTold, { timeoutMs: 60_000, what: `${steps} being told` });
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
    const drained = await cmig('drain', 'host-a', '--to', 'host-b', '--dry-run');
    expect(drained).toMatchObject({ exitCode: 5, stdout: expect.stringContaining('cmig uncordon host-b') });
    expect(await hostOf('one')).toBe('host-a');
  });

  it('is still cordoned when its agent was killed, and known to be by the others while it is away', async () => {
    await lab('kill', 'host-b', '--agent');
    try {
      await waitFor(async () => (await statusOf('host-b')) === 'NotReady,SchedulingDisabled', {
        timeoutMs: 60_000,
        intervalMs: 200,
        what: 'its absence',
      });
    } finally {
      await lab('start', 'host-b', '--agent');
    }
    await waitFor(async () => (await statusOf('host-b')) === 'Ready,SchedulingDisabled', {
      timeoutMs: 60_000,
      intervalMs: 200,
      what: 'its return',
    });
  });

  it('keeps what runs there, lets it be changed, and takes nothing back that has gone', async () => {
    await cmigOk('cordon', 'host-a');
    try {
      await cmigOk('stop', 'one');
      await cmigOk('start', 'one');
      const changed = await apply(manifestOf('one', '{tier: web, changed: "yes"}'));
      expect(changed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('one configured') });
      await cmigOk('checkpoint', 'three', '--name', 'of-three');
      expect(await cmigOk('get', 'checkpoints', '-l', 'tier=db', '-o', 'name')).toBe('checkpoint/of-three\n');
      await cmigOk('delete', 'three');
      const back = await cmig('restore', 'three', '--checkpoint', 'of-three');
      expect(back).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('cmig uncordon host-a') });
    } finally {
      await cmigOk('uncordon', 'host-a');
    }
    await cmigOk('restore', 'three', '--checkpoint', 'of-three');
    expect(await cmigOk('delete', 'checkpoints', '-l', 'tier=db')).toBe('checkpoint/of-three deleted\n');
    expect(await hostOf('three')).toBe('host-a');
  });
});

describe('a host that is drained', () => {
  const running = ['one', 'two', 'three'];
  const placesOf = async (...names: string[]) => Promise.all(names.map(hostOf));
  const outcomesOf = ({ applications }: Pick<DrainReport, 'applications'>) =>
    Object.fromEntries(applications.map(({ application, outcome }) => [application, outcome]));

  afterAll(() => cmigOk('uncordon', 'host-a'));

  it('is left as it is by a dry run, which says where each would go', async () => {
    const report = await cmigJson<DrainReport>('drain', 'host-a', '--dry-run');
    expect(outcomesOf(report)).toEqual({ one: 'possible', two: 'possible', three: 'possible' });
    for (const { to } of report.applications) expect(['host-b', 'host-c']).toContain(to);
    expect(await statusOf('host-a')).toBe('Ready');
    expect(await placesOf(...running)).toEqual(['host-a', 'host-a', 'host-a']);
  });

  it('keeps the rest when it is interrupted, and turns back what is under way', async () => {
    for (const host of ['host-b', 'host-c']) await lab('shape', host, '--rate', '3mbit');
    const before = (await cmigJson<{ items: Migration[] }>('get', 'migrations')).items.length;
    const draining = startCmig('drain', 'host-a', '--parallel', '1', '-o', 'json');
    let printed = '';
    draining.stdout!.on('data', (chunk) => {
      printed += chunk;
    });
    try {
      await waitFor(
        async () => {
          const { items } = await cmigJson<{ items: Migration[] }>('get', 'migrations');
          return items.slice(before).some(({ status }) => ['presyncing', 'frozen'].includes(status.state));
        },
        { timeoutMs: 60_000, what: 'the first migration' },
      );
      draining.kill('SIGINT');
      expect(await draining.ended).toEqual({ exitCode: 130 });
    } finally {
      draining.kill('SIGINT');
      await draining.ended;
      for (const host of ['host-b', 'host-c']) await lab('shape', host, '--rate', 'none');
    }
    const report = JSON.parse(printed) as DrainReport;
    expect(report.drained).toBe(false);
    expect(report.applications.map(({ outcome }) => outcome)).toEqual([
      'rolled-back',
      'cancelled',
      'cancelled',
    ]);
    expect(await placesOf(...running)).toEqual(['host-a', 'host-a', 'host-a']);
    expect(await statusOf('host-a')).toBe('Ready,SchedulingDisabled');
  });

  it('loses all that runs and finds a host; the exit code tells of the one that does not', async () => {
    await cmigOk('uncordon', 'host-a');
    const bound = manifestOf('bound', '{}', 'host-a', '{hostSelector: {zone: nowhere}}');
    expect((await apply(manifestOf('idle', '{}'), bound)).exitCode).toBe(0);
    await cmigOk('stop', 'idle');
    const { exitCode, stdout, stderr } = await cmig('drain', 'host-a', '--parallel', '3');
    expect(stdout).toMatch(/^host\/host-a cordoned\n/);
    for (const name of running)
      expect(stdout).toMatch(new RegExp(`^${name} +host-a +host-[bc] +committed +[\\d.]+ s`, 'm'));
    expect(stdout).toMatch(/^bound +host-a +- +refused .*zone=nowhere/m);
    expect(stdout).toMatch(/^idle +host-a +- +left .*it is stopped/m);
    expect(stderr).toContain('error: bound did not leave host-a');
    expect(exitCode).toBe(5);
    expect(await placesOf(...running)).not.toContain('host-a');
    expect(await placesOf('idle', 'bound')).toEqual(['host-a', 'host-a']);
  });

  it('takes back by their labels those that are to be there', async () => {
    await cmigOk('uncordon', 'host-a');
    await cmigOk('delete', 'bound');
    expect(await cmigOk('migrate', '-l', 'tier=web', 'host-a')).toMatch(
      /^one +host-[bc] +host-a +committed .*\ntwo +host-[bc] +host-a +committed /m,
    );
    expect(await hostOf('three')).not.toBe('host-a');
    const again = await cmigJson<Pick<DrainReport, 'applications'>>('migrate', '-l', 'tier', 'host-a');
    expect(outcomesOf(again)).toEqual({ one: 'left', two: 'left', three: 'committed' });
    const moves = await cmigJson<{ items: Migration[] }>('get', 'migrations', '-l', 'tier=db');
    expect(new Set(moves.items.map(({ spec }) => spec.application))).toEqual(new Set(['three']));
  });

  it('is emptied to the host that can be reached, where another one cannot', async () => {
    await lab('partition', 'host-b', '--from', 'host-a');
    try {
      const report = await cmigJson<DrainReport>('drain', 'host-a', '-l', 'tier');
      expect(outcomesOf(report)).toEqual({ one: 'committed', two: 'committed', three: 'committed' });
      expect(report).toMatchObject({ host: 'host-a', drained: true });
      expect(await placesOf(...running)).toEqual(['host-c', 'host-c', 'host-c']);
    } finally {
      await lab('heal', 'host-b');
    }
  });
});

describe('selected by their labels, applications', () => {
  it('are left alone where only some of them can be seen, and that is no success', async () => {
    const host = await hostOf('one');
    await lab('kill', host, '--agent');
    try {
      for (const command of [['stop'], ['migrate', 'host-a']])
        expect(await cmig(...command, '-l', 'tier=web')).toMatchObject({
          exitCode: 8,
          stderr: expect.stringContaining(`${host} did not answer`),
        });
    } finally {
      await lab('start', host, '--agent');
    }
  });

  it('are stopped, started and deleted', async () => {
    expect(await cmigOk('stop', '-l', 'tier=web')).toBe('application/one stopped\napplication/two stopped\n');
    expect(await cmigOk('start', '-l', 'tier=web')).toBe(
      'application/one started\napplication/two started\n',
    );
    expect(await cmigOk('delete', '-l', 'tier=web')).toBe(
      'application/one deleted\napplication/two deleted\n',
    );
    expect(await cmig('delete', '-l', 'tier=web')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'no applications found\n',
    });
    expect((await cmig('delete', 'three', '-l', 'tier=db')).exitCode).toBe(2);
    expect(await cmigOk('get', 'apps', '-l', 'tier', '-o', 'name')).toBe('application/three\n');
  });
});
