// Applications from their deployment to their end, and every refusal on the way: nothing changes where it says no.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import type { Host } from '../../src/contract/host.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import {
  cmig,
  cmigJson,
  cmigOk,
  cmigWith,
  deleteAll,
  follow,
  images,
  lab,
  onHost,
  startCmig,
  useLab,
} from './lab.ts';
import { labName, settings } from './settings.ts';

useLab();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'applications-'));
  await cp(join(images, 'busybox'), join(folder, 'busybox'), { recursive: true, verbatimSymlinks: true });
  await runProcess('tar', ['-C', join(folder, 'busybox'), '-czf', join(folder, 'busybox.tgz'), '.']);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(deleteAll);

interface Wanted {
  host?: string;
  address?: string;
  image?: string;
  command?: string[];
  labels?: Record<string, string>;
  container?: object;
  spec?: object;
}

/** A small application: a stream of numbered lines on port 7000. */
function manifest(name: string, wanted: Wanted = {}): object {
  return {
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name, ...(wanted.labels ? { labels: wanted.labels } : {}) },
    spec: {
      host: wanted.host ?? 'host-a',
      ...(wanted.address ? { network: { address: wanted.address } } : {}),
      containers: [
        {
          name: 'main',
          image: wanted.image ?? 'dir:busybox',
          command: wanted.command ?? ['/app/ticker.sh'],
          ready: { tcp: 7000 },
          ...wanted.container,
        },
      ],
      ...wanted.spec,
    },
  };
}

/** Writes manifests to one file, and answers its path. */
async function written(...manifests: object[]): Promise<string> {
  const file = join(folder, 'manifest.yaml');
  await writeFile(file, manifests.map((each) => `---\n${stringify(each)}`).join(''));
  return file;
}

const apply = async (...manifests: object[]): Promise<string> =>
  cmigOk('apply', '--wait', '-f', await written(...manifests));
const get = (name: string) => cmigJson<Application>('get', 'app', name);
const names = async () =>
  (await cmigJson<{ items: Application[] }>('get', 'apps')).items.map(({ metadata }) => metadata.name);
/** What `exec` prints. */
const inside = (name: string, ...command: string[]) => cmigOk('exec', name, '--', ...command);

describe('apply', () => {
  it('creates, leaves alone what is equal, updates in place what differs, and keeps the address', async () => {
    expect(await apply(manifest('tick'))).toContain('application/tick created');
    const first = await get('tick');
    expect(first.status).toMatchObject({ host: 'host-a', phase: 'Running', epoch: 1 });
    expect(await apply(manifest('tick'))).toContain('application/tick unchanged');
    expect((await get('tick')).status).toEqual(first.status);

    const changed = manifest('tick', { container: { env: [{ name: 'COLOR', value: 'red' }] } });
    expect((await cmig('diff', '-f', await written(changed))).exitCode).toBe(1);
    expect(await apply(changed)).toContain('application/tick configured');
    expect((await cmig('diff', '-f', await written(changed))).exitCode).toBe(0);
    const second = await get('tick');
    expect(second.status.address).toBe(first.status.address);
    expect(second.status.containers[0]!.pid).not.toBe(first.status.containers[0]!.pid);
    expect(await inside('tick', 'sh', '-c', 'echo $COLOR')).toBe('red\n');

    // The new container is cared for as the first one was: it once was left alone, as if a migration had it.
    await onHost('host-a', 'kill', '-KILL', String(second.status.containers[0]!.pid));
    const restarted = async () => (await get('tick')).status.containers[0]!.restarts === 1;
    await waitFor(restarted, { timeoutMs: 60_000, what: 'the container being restarted' });
  });

  it('never moves an application by spec.host, and says so', async () => {
    await apply(manifest('tick'));
    const { exitCode, stderr } = await cmig(
      'apply',
      '-f',
      await written(manifest('tick', { host: 'host-b' })),
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain('cmig migrate tick host-b');
    expect((await get('tick')).status.host).toBe('host-a');
  });

  it('takes the same root file system from a folder and from an archive, and an archive from standard input', async () => {
    const text = stringify(manifest('packed', { image: 'tar:busybox.tgz', host: 'host-b' }));
    const options = { input: text, cwd: folder };
    const applied = await cmigWith(options, 'apply', '--wait', '-f', '-', '-o', 'json');
    expect(applied.exitCode).toBe(0);
    expect(JSON.parse(applied.stdout)).toMatchObject({
      kind: 'List',
      dryRun: false,
      applied: [{ name: 'packed', outcome: 'created', host: 'host-b' }],
      items: [{ kind: 'Application', status: { phase: 'Running' } }],
    });
    expect(await inside('packed', 'ls', '/app')).toBe('ticker.sh\n');
  });

  it('tells why an application cannot be started, and tries again when asked to', async () => {
    const file = await written(manifest('bad', { command: ['/bin/nothing-there'] }));
    for (const attempt of [1, 2]) {
      // Whoever does not wait may have left before a busy machine has come to the failure.
      const { exitCode, stderr } = await cmig('apply', '--wait', '-f', file);
      expect({ attempt, exitCode, stderr }).toMatchObject({
        attempt,
        exitCode: 1,
        stderr: expect.stringContaining('/bin/nothing-there: no such file'),
      });
    }
    expect((await get('bad')).status.phase).toBe('Failed');
    // One that fails does not keep the others.
    const both = await written(manifest('bad', { command: ['/bin/nothing-there'] }), manifest('good'));
    expect(await cmig('apply', '--wait', '-f', both)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('application/good created'),
      stderr: expect.stringContaining('/bin/nothing-there: no such file'),
    });
  });

  it('changes nothing in a dry run', async () => {
    const { stdout } = await cmig('apply', '--dry-run', '-f', await written(manifest('tick')));
    expect(stdout).toContain('application/tick created (dry run)');
    expect(await names()).toEqual([]);
  });

  it('gives each of several applications an address of its own', async () => {
    await apply(manifest('one'), manifest('two', { host: 'host-b' }));
    const [one, two] = [await get('one'), await get('two')];
    expect(one.status.address).not.toBe(two.status.address);
    const heard = await inside('one', 'sh', '-c', `nc ${two.status.address} 7000 </dev/null | head -n 2`);
    expect(heard).toBe('1\n2\n');
  });
});

describe('several commands at once', () => {
  it('never give one address to two applications', async () => {
    const files = await Promise.all(
      ['host-a', 'host-b', 'host-c'].map(async (host, index) => {
        const file = join(folder, `at-once-${index}.yaml`);
        await writeFile(file, stringify(manifest(`app-${index}`, { host })));
        return file;
      }),
    );
    await Promise.all(files.map((file) => cmigOk('apply', '--wait', '-f', file)));
    const { items } = await cmigJson<{ items: Application[] }>('get', 'apps');
    expect(new Set(items.map(({ status }) => status.address)).size).toBe(3);
  });
});

describe('images', () => {
  it('go from this machine to one host, and from there to another', async () => {
    await cp(join(folder, 'busybox'), join(folder, 'unique'), { recursive: true, verbatimSymlinks: true });
    await writeFile(join(folder, 'unique/etc/unique'), String(Math.random()));
    const first = await cmigOk('apply', '-f', await written(manifest('one', { image: 'dir:unique' })));
    expect(first).toMatch(/send image .*unique to host-a: [0-9.]+ MiB, /);
    const second = await cmigOk(
      'apply',
      '--wait',
      '-f',
      await written(manifest('two', { image: 'dir:unique', host: 'host-b' })),
    );
    expect(second).toMatch(/send image .*unique to host-b: .*from host-a/);
    expect((await get('two')).status.phase).toBe('Running');
  });
});

describe('the end of an application', () => {
  it('stops and starts it with its files, and deletes it without a trace', async () => {
    const data = (labels: Record<string, string> = {}) =>
      manifest('tick', {
        labels,
        container: { volumes: [{ name: 'data', mountPath: '/data' }] },
        spec: { volumes: [{ name: 'data' }] },
      });
    await apply(data());
    await inside('tick', 'sh', '-c', 'echo kept > /data/file; echo kept > /root/file');
    // A bridge takes the lowest address of its ports for its own: none of ours may be that.
    expect(await onHost('host-a', 'sh', '-c', 'cat /sys/class/net/cm[0-9a-f]*/address')).toMatch(
      /^(fe:.*\n?)+$/,
    );
    expect(await cmigOk('stop', 'tick')).toBe('application/tick stopped\n');
    expect((await get('tick')).status.phase).toBe('Stopped');
    expect((await get('tick')).status.containers[0]!.ready).toBe(false);
    // It stays so, whether anything of it is changed or not: who waits for it is told, and so is who does not.
    const words = 'application tick is stopped, and apply does not start it';
    for (const [outcome, wanted] of [
      ['unchanged', data()],
      ['configured', data({ tier: 'web' })],
    ] as const)
      expect(await cmig('apply', '--wait', '-f', await written(wanted))).toMatchObject({
        exitCode: 1,
        stdout: expect.stringContaining(`application/tick ${outcome}\n`),
        stderr: `error: ${words}\nhint: start it with: cmig start tick\n`,
      });
    expect(await cmig('apply', '--dry-run', '-f', await written(data()))).toMatchObject({
      exitCode: 0,
      stderr: `note: ${words}; start it with: cmig start tick\n`,
    });
    // As an agent leaves it that is killed while it makes the network.
    await onHost('host-a', 'sh', '-c', 'ip netns del cmig-tick && ip netns add cmig-tick');
    expect(await cmigOk('start', 'tick')).toBe('application/tick started\n');
    const { phase, address } = (await get('tick')).status;
    expect(phase).toBe('Running');
    expect(await inside('tick', 'ip', 'addr')).toContain(` ${address}/`);
    expect(await inside('tick', 'cat', '/data/file', '/root/file')).toBe('kept\nkept\n');

    expect(await cmigOk('delete', 'application/tick')).toBe('application/tick deleted\n');
    expect(await names()).toEqual([]);
    expect(await onHost('host-a', 'ls', '/var/lib/cmig/applications')).toBe('');
    expect(
      await onHost('host-a', 'sh', '-c', 'ls /run/netns; grep -c cmig/applications /proc/mounts || true'),
    ).toBe('0\n');
  });

  it('does not wait until it is ready, nor does a change of it: who waits for that is told', async () => {
    const slow = manifest('slow', { container: { ready: { tcp: 9, timeout: '10m' } } });
    const applying = async () => {
      const waiting = follow('apply', '--wait', '-f', await written(slow));
      await waitFor(async () => (await cmig('get', 'app', 'slow')).stdout.includes(' Deploying '), {
        timeoutMs: 60_000,
        what: 'its deployment',
      });
      return waiting;
    };
    expect((await (await applying()).interrupt()).exitCode).toBe(130);
    expect(await cmigOk('stop', 'slow')).toBe('application/slow stopped\n');
    expect((await get('slow')).status.phase).toBe('Stopped');
    const starting = follow('start', 'slow');
    await waitFor(async () => (await get('slow')).status.phase === 'NotReady', {
      timeoutMs: 60_000,
      what: 'its start',
    });
    expect((await starting.interrupt()).exitCode).toBe(130);
    expect(starting.notices()).toContain(
      'host-a goes on starting slow; see its end with: cmig get application slow',
    );
    await cmigOk('delete', 'slow');
    for (const [done, command] of [
      ['changed', async () => ['apply', '--wait', '-f', await written(manifest('slow'))]],
      ['deleted', async () => ['delete', 'slow']],
    ] as const) {
      const waiting = await applying();
      // What has only just begun is still the other's alone.
      const isDone = async () => (await cmig(...(await command()))).exitCode === 0;
      await waitFor(isDone, { timeoutMs: 60_000, intervalMs: 200, what: `its being ${done}` });
      expect((await waiting.process.ended).exitCode).toBe(4);
      expect(waiting.notices()).toContain(`slow was ${done} before it was ready`);
      if (done === 'changed') expect((await get('slow')).status.phase).toBe('Running');
    }
    expect(await names()).toEqual([]);
  });

  it('deletes those that are there and tells of the one that is not', async () => {
    await apply(manifest('one'), manifest('two'));
    const { exitCode, stdout, stderr } = await cmig('delete', 'one', 'onee', 'two');
    expect(exitCode).toBe(3);
    expect(stdout).toBe('application/one deleted\napplication/two deleted\n');
    expect(stderr).toContain('there is no application "onee"');
  });
});

describe('get and describe', () => {
  it('prints what exists in every format, and the others when one is missing', async () => {
    await apply(manifest('web', { labels: { tier: 'web' } }), manifest('db', { labels: { tier: 'db' } }));
    expect(await cmigOk('get', 'apps', '-o', 'name')).toBe('application/db\napplication/web\n');
    expect(await cmigOk('get', 'app', '-l', 'tier=web', '-o', 'name')).toBe('application/web\n');
    const table = (await cmigOk('get', 'applications', '--no-headers')).trim().split('\n');
    expect(table.map((line) => line.split(/\s+/).slice(0, 4))).toEqual([
      ['db', '1/1', 'Running', 'host-a'],
      ['web', '1/1', 'Running', 'host-a'],
    ]);
    const missing = await cmig('get', 'app', 'web', 'wbe', '-o', 'json');
    expect(missing.exitCode).toBe(3);
    expect(JSON.parse(missing.stdout).items).toHaveLength(1);
    expect(JSON.parse(missing.stderr).error).toMatchObject({ code: 'not-found' });
    expect((await cmigJson<Application>('describe', 'app', 'web')).metadata.labels).toEqual({ tier: 'web' });
    expect(await cmigOk('describe', 'app/web')).toMatch(/application\.deployed/);
  });

  it('shows every change with -w', async () => {
    const watching = startCmig('get', 'apps', '-w', '-o', 'json');
    const seen: Application[] = [];
    let rest = '';
    watching.stdout!.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      seen.push(...lines.map((line) => JSON.parse(line) as Application));
    });
    const saw = (phase: string) =>
      waitFor(() => seen.some(({ status }) => status.phase === phase), {
        timeoutMs: 60_000,
        what: `to see ${phase}`,
      });
    try {
      await apply(manifest('tick'));
      await saw('Running');
      await cmigOk('stop', 'tick');
      await saw('Stopped');
      await cmigOk('delete', 'tick');
      await saw('Deleted');
    } finally {
      watching.kill('SIGINT');
      await watching.ended;
    }
  });

  it('shows a host whose agent is gone as NotReady, and what the others have', async () => {
    const spec = { network: { ports: [{ port: 7000, hostPort: 8795 }] } };
    await apply(manifest('here', { spec }));
    await cmigOk('checkpoint', 'here', '--name', 'published');
    // From now on the port is that of the other one.
    await apply(manifest('here'));
    await apply(manifest('there', { spec }));
    // What can be restored on a host that answers, while the application runs on one that does not.
    await cmigOk('checkpoint', 'there', '--name', 'earlier');
    await cmigOk('migrate', 'there', 'host-c');
    const { address } = (await get('there')).status;
    await lab('kill', 'host-c', '--agent');
    try {
      const hosts = await cmigJson<{ items: Host[] }>('get', 'hosts');
      expect(hosts.items.map(({ status }) => status.condition)).toEqual(['Ready', 'Ready', 'NotReady']);
      const { exitCode, stdout, stderr } = await cmig('get', 'apps', '-o', 'name');
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'application/here\n' });
      expect(stderr).toContain('host-c did not answer');
      const refused = await cmig('apply', '-f', await written(manifest('new', { host: 'host-c' })));
      expect(refused).toMatchObject({
        exitCode: 8,
        stderr: expect.stringContaining('host host-c is not ready'),
      });
      const twin = await cmig('apply', '-f', await written(manifest('there')));
      expect(twin).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('was last on host-c') });
      // Neither are its address and its port given away; the other hosts have heard of the port at their own time.
      const file = await written(manifest('third', { spec }));
      const isRefused = async () => (await cmig('apply', '--dry-run', '-f', file)).exitCode === 4;
      await waitFor(isRefused, { timeoutMs: 60_000, what: 'the port being refused' });
      expect(await cmig('apply', '-f', file)).toMatchObject({
        exitCode: 4,
        stderr: expect.stringContaining(
          'the host port 8795/tcp of application third belongs to there, last on host-c',
        ),
      });
      expect(await cmig('restore', 'here', '--checkpoint', 'published')).toMatchObject({
        exitCode: 4,
        stderr: expect.stringContaining('checkpoint published belongs to there on host-c'),
      });
      await apply(manifest('third'));
      expect((await get('third')).status.address).not.toBe(address);
      const second = await cmig('restore', 'there', '--checkpoint', 'earlier', '--host', 'host-b');
      expect(second).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('was last on host-c') });
      for (const words of [
        ['stop', 'there'],
        ['delete', 'there'],
        ['get', 'app', 'there'],
      ])
        expect(await cmig(...words)).toMatchObject({
          exitCode: 8,
          stderr: expect.stringContaining('host-c did not answer, and no other host has application "there"'),
        });
      const deleted = await cmig('delete', 'checkpoint', 'earlier');
      expect(deleted).toMatchObject({
        exitCode: 8,
        stdout: 'checkpoint/earlier deleted\n',
        stderr: expect.stringContaining('host-c did not answer and may keep a copy'),
      });
    } finally {
      await lab('start', 'host-c', '--agent');
    }
    await waitFor(async () => (await get('there')).status.phase === 'Running', {
      timeoutMs: 60_000,
      what: 'the application running',
    });
  });
});

describe('what is refused', () => {
  const refused: [string, () => Promise<string[]>, number, string][] = [
    ['no manifest', async () => ['apply', '-f', join(folder, 'nothing.yaml')], 2, 'there is no such file'],
    [
      'an unknown host',
      async () => ['apply', '-f', await written(manifest('x', { host: 'hots-a' }))],
      3,
      'did you mean "host-a"',
    ],
    [
      'the address of another application',
      async () => {
        await apply(manifest('first'));
        const { address } = (await get('first')).status;
        return ['apply', '-f', await written(manifest('second', { address }))];
      },
      4,
      'belongs to application first',
    ],
    [
      "a host's own address",
      async () => {
        const { items } = await cmigJson<{ items: Host[] }>('get', 'hosts');
        return ['apply', '-f', await written(manifest('x', { address: items[1]!.spec.address }))];
      },
      4,
      'belongs to host host-b',
    ],
    [
      'an address outside the range',
      async () => ['apply', '-f', await written(manifest('x', { address: '192.0.2.7' }))],
      2,
      'is outside',
    ],
    [
      'a name twice',
      async () => ['apply', '-f', await written(manifest('x'), manifest('x'))],
      2,
      'two applications are named',
    ],
    [
      'an image outside the folder of the manifest',
      async () => ['apply', '-f', await written(manifest('x', { image: `dir:${images}/busybox` }))],
      2,
      '--allow-outside',
    ],
    [
      'an image that is not there',
      async () => ['apply', '-f', await written(manifest('x', { image: 'dir:bussybox' }))],
      2,
      'did you mean "busybox"',
    ],
    ['a path as a name', async () => ['apply', '-f', await written(manifest('../x'))], 2, 'metadata.name'],
    [
      'a path as a host',
      async () => ['apply', '-f', await written(manifest('x', { host: '../../etc' }))],
      2,
      'spec.host',
    ],
    [
      'an application that does not exist',
      async () => ['stop', 'nothing'],
      3,
      'there is no application "nothing"',
    ],
    ['a path as an application', async () => ['delete', '../../etc'], 3, 'there is no application'],
    ['an unknown kind', async () => ['get', 'pods'], 2, 'there is no kind "pods"'],
  ];

  it.each(refused)('%s', async (_, command, exitCode, message) => {
    const words = await command();
    const before = await names();
    const result = await cmig(...words);
    expect(result).toMatchObject({ exitCode, stderr: expect.stringContaining(message) });
    expect(result.stdout).toBe('');
    expect(await names()).toEqual(before);
  });

  it('one bad manifest among good ones', async () => {
    const { exitCode } = await cmig(
      'apply',
      '-f',
      await written(manifest('good'), manifest('bad', { host: 'host-z' })),
    );
    expect(exitCode).toBe(3);
    expect(await names()).toEqual([]);
  });

  it('two operations on one application at a time, and says what is under way', async () => {
    // Ready as soon as the second command has been refused.
    const slow = manifest('slow', { container: { ready: { exec: ['test', '-e', '/go'], timeout: '10m' } } });
    const first = startCmig('apply', '--wait', '-f', await written(slow));
    try {
      await waitFor(async () => (await names()).includes('slow'), {
        timeoutMs: 60_000,
        what: 'the deployment',
      });
      const second = await cmig('start', 'slow');
      // By whoever runs the first command, or by the host.
      const words = expect.stringMatching(/cmig apply|its deploy is under way/);
      expect(second).toMatchObject({ exitCode: 4, stderr: words });
    } finally {
      // Its container may still be on the way.
      await waitFor(async () => (await cmig('exec', 'slow', '--', 'touch', '/go')).exitCode === 0, {
        timeoutMs: 60_000,
        what: 'its readiness',
      });
      await first.ended;
    }
  });

  it('a broker that is not there, and a wrong password, each with its own words', async () => {
    const own = await mkdtemp(join(settings.folder, 'context-'));
    try {
      await mkdir(own, { recursive: true });
      const env = { CMIG_CONFIG: join(own, 'config.yaml') };
      const { brokerUrl } = await cmigJson<{ brokerUrl: string }>('lab', 'up', '--name', labName);
      await writeFile(join(own, 'credentials'), 'cmig:wrong\n');
      const use = (broker: string) =>
        cmigWith(
          { env },
          'config',
          'set-context',
          'test',
          '--broker',
          broker,
          '--credentials-file',
          join(own, 'credentials'),
          '--insecure',
          '--use',
        );
      await use('amqp://127.0.0.1:9/none');
      const nobody = await cmigWith({ env }, 'get', 'apps');
      expect(nobody).toMatchObject({ exitCode: 8, stderr: expect.stringContaining('no broker listens') });
      await use(brokerUrl);
      const wrong = await cmigWith({ env }, 'get', 'apps');
      expect(wrong).toMatchObject({ exitCode: 8, stderr: expect.stringContaining('refuses the login') });
    } finally {
      await rm(own, { recursive: true });
    }
  });
});
