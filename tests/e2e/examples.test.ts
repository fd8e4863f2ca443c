// Every example in manifests/ is deployed as it stands, does what its comments say, and is deleted.
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Host } from '../../src/contract/host.ts';
import { waitFor } from '../../src/core/retry.ts';
import { limitsOf } from './cgroup-limits.ts';
import { cmig, cmigJson, cmigOk, deleteAll, images, onHost, root, startCmig, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { settings } from './settings.ts';

useLab();

const manifests = join(root, 'manifests');
const files = (await readdir(manifests)).filter((file) => file.endsWith('.yaml'));

let folder: string;
/** What the addresses of this lab begin with. */
let range: string;
beforeAll(async () => {
  const { items } = await cmigJson<{ items: Host[] }>('get', 'hosts');
  range = items[0]!.spec.address.split('.').slice(0, 2).join('.');
  folder = await mkdtemp(join(settings.folder, 'examples-'));
  await symlink(images, join(folder, 'images'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(deleteAll);

/** The example's own file; a copy where it fixes an address that this lab does not have. */
async function fileOf(name: string): Promise<string> {
  const file = join(manifests, `${name}.yaml`);
  const text = await readFile(file, 'utf8');
  const fitting = text.replaceAll(/\b10\.77\.(?=\d)/g, `${range}.`);
  if (fitting === text) return file;
  await writeFile(join(folder, `${name}.yaml`), fitting);
  return join(folder, `${name}.yaml`);
}

const get = (name: string): Promise<Application> => cmigJson<Application>('get', 'application', name);
const inside = (name: string, container: string, ...command: string[]): Promise<string> =>
  cmigOk('exec', name, '-c', container, '--', ...command);

async function page(address: string, path = '/'): Promise<string> {
  const answer = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(60_000) });
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Two connections, each of which is sent its own numbers, go on while the application moves. */
async function streamsThroughMove(name: string, address: string, to: string): Promise<void> {
  const both = await Promise.all([1, 2].map(() => NumberedStream.open({ host: address, port: 7000 })));
  try {
    await Promise.all(both.map((stream) => stream.more(5)));
    await cmigOk('migrate', name, to);
    await Promise.all(both.map((stream) => stream.more(5)));
    expect(both.flatMap(({ problems }) => problems)).toEqual([]);
  } finally {
    for (const stream of both) stream.close();
  }
}

/** By its name, what an example is there for. */
const does: Record<string, (application: Application) => Promise<void>> = {
  async hello({ status: { address } }) {
    expect(await page(address)).toBe('hello from a container\n');
    await cmigOk('migrate', 'hello', 'host-b');
    expect(await page(address)).toBe('hello from a container\n');
    expect((await get('hello')).status.host).toBe('host-b');
  },

  async counter({ status: { address } }) {
    const labelled = await cmigOk('get', 'applications', '-l', 'example=volume', '-o', 'name');
    expect(labelled).toBe('application/counter\n');
    const count = async () => Number(await page(address, '/count'));
    const following = startCmig('logs', 'counter', '-c', 'count', '-f');
    let text = '';
    following.stdout!.on('data', (chunk) => {
      text += String(chunk);
    });
    const counted = () => [...text.matchAll(/^count (\d+)$/gm)].map(([, number]) => Number(number));
    const reaches = (number: number) =>
      waitFor(() => counted().includes(number), { timeoutMs: 60_000, what: `count ${number}` });
    try {
      await reaches(1);
      await cmigOk('migrate', 'counter', 'host-b');
      await reaches((await count()) + 1);
      expect(counted()).toEqual(counted().map((_, index) => index + 1));
    } finally {
      following.kill('SIGINT');
      await following.ended;
    }
    await cmigOk('stop', 'counter');
    const last = Number(
      await onHost('host-b', 'cat', '/var/lib/cmig/applications/counter/volumes/numbers/count'),
    );
    await cmigOk('start', 'counter');
    // Ready it is by what it had counted before.
    await waitFor(async () => (await count()) > last, { timeoutMs: 60_000, what: 'the count going on' });
    const logged = async () => (await cmigOk('logs', 'counter', '-c', 'count')).split('\n').slice(0, -1);
    const lines = await waitFor(
      async () => {
        const found = await logged();
        return found.length > last && found;
      },
      { timeoutMs: 60_000, what: 'the count in the log' },
    );
    expect(lines).toEqual(lines.map((_, index) => `count ${index + 1}`));
    expect((await cmig('exec', 'counter', '-c', 'web', '--', 'touch', '/data/mine')).exitCode).not.toBe(0);
  },

  async nginx({ status: { address } }) {
    expect(await page(address)).toBe('served by nginx\n');
    const workers = async () => {
      const names = await inside('nginx', 'nginx', 'sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n"');
      return names.match(/nginx: worker process/g);
    };
    // It listens before it has made them.
    const isComplete = async () => (await workers())?.length === 2;
    await waitFor(isComplete, { timeoutMs: 60_000, what: 'both workers' });
    await cmigOk('migrate', 'nginx', 'host-a');
    expect(await workers()).toHaveLength(2);
    expect(await page(address)).toBe('served by nginx\n');
    // Asked by SIGQUIT it ends by itself.
    await cmigOk('stop', 'nginx');
    expect((await get('nginx')).status.containers[0]).toMatchObject({ state: 'Exited', exitCode: 0 });
  },

  async python({ status: { address } }) {
    await streamsThroughMove('python', address, 'host-b');
    const { pid } = (await get('python')).status.containers[0]!;
    const memory = await onHost('host-b', 'grep', 'VmRSS', `/proc/${pid}/status`);
    expect(Number(/\d+/.exec(memory))).toBeGreaterThan(64 * 1024);
    expect(await limitsOf('host-b', pid)).toEqual({
      memory: String(192 * 1024 * 1024),
      cpu: '50000 100000',
      pids: '64',
    });
  },

  async node({ status: { address } }) {
    await streamsThroughMove('node', address, 'host-c');
    const status = await inside('node', 'ticker', 'cat', '/proc/1/status');
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      expect(status).toMatch(new RegExp(`^${set}:\\s*0+$`, 'm'));
    expect((await cmig('exec', 'node', '--', 'touch', '/file')).exitCode).not.toBe(0);
  },

  async jvm({ status: { address } }) {
    await streamsThroughMove('jvm', address, 'host-a');
  },

  async shop({ status: { address } }) {
    const { count, redis } = JSON.parse(await page(address)) as {
      count: number;
      redis: { connections: number };
    };
    expect(redis.connections).toBe(1);
    const stream = await NumberedStream.open({ host: address, port: 80, path: '/stream' });
    try {
      await stream.more(5);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
    expect((JSON.parse(await page(address)) as { count: number }).count).toBeGreaterThanOrEqual(count + 6);
  },
};

describe('an example', () => {
  it.each(files.map((file) => file.replace('.yaml', '')))('%s', async (name) => {
    const file = await fileOf(name);
    await cmigOk('apply', '-f', file, '--wait', ...(file.startsWith(folder) ? ['--allow-outside'] : []));
    const application = await get(name);
    expect(application.status).toMatchObject({ phase: 'Running', host: application.spec.host });
    expect(application.status.containers.map(({ ready }) => ready)).not.toContain(false);
    await does[name]!(application);
    expect(await cmigOk('delete', '-f', file)).toBe(`application/${name} deleted\n`);
    expect(await cmigOk('get', 'applications', '-o', 'name')).toBe('');
  });
});
