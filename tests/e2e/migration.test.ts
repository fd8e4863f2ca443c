// The main job: an application of three containers moves a -> b -> c -> a and keeps everything.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { MigrationReport } from '../../src/orchestrator/migration/migrate.ts';
import { addressOf, cmig, cmigJson, cmigOk, images, tryOnHost, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { labName, settings } from './settings.ts';

let address: string;

interface Survivor {
  cwd: string;
  mark: string;
  deleted: string;
  inner: { last: number; broken: string | null; port: number };
  written: number;
  contiguous: boolean;
  note: string | null;
}

async function askSurvivor(): Promise<Survivor> {
  let text = '';
  for await (const chunk of connect({ host: address, port: 7002 })) text += chunk;
  return JSON.parse(text) as Survivor;
}

interface Shop {
  count: number;
  /** The one connection to redis, as both ends know it. */
  redis: { clientId: number; localPort: number; connections: number };
}

const shop = async (): Promise<Shop> => (await (await fetch(`http://${address}/`)).json()) as Shop;

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

describe('a running application', () => {
  useLab();
  let folder: string;
  const streams: NumberedStream[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
    const program = await readFile(join(import.meta.dirname, 'manifests/survivor.py'), 'utf8');
    await writeFile(
      join(folder, 'traveller.yaml'),
      stringify({
        apiVersion: 'cmig.dev/v1',
        kind: 'Application',
        metadata: { name: 'traveller' },
        spec: {
          host: 'host-a',
          network: { ports: [{ port: 80, hostPort: 8780 }] },
          containers: [
            {
              name: 'db',
              image: 'dir:images/redis',
              command: [
                'redis-server',
                '--bind',
                '127.0.0.1',
                '--dir',
                '/data',
                '--save',
                '',
                '--appendonly',
                'yes',
              ],
              volumes: [{ name: 'db', mountPath: '/data' }],
              ready: { tcp: 6379 },
            },
            {
              name: 'web',
              image: 'dir:images/shop-web',
              command: ['python3', '/app/shop-web.py', '--port', '80'],
              dependsOn: ['db'],
              ready: { http: { port: 80 } },
            },
            {
              name: 'probe',
              image: 'dir:images/python',
              command: ['python3', '-c', program],
              env: [{ name: 'MARK', value: 'carried along' }],
              workingDir: '/tmp/work',
              volumes: [{ name: 'notes', mountPath: '/data' }],
              dependsOn: ['web'],
              ready: { tcp: 7002 },
            },
          ],
          volumes: [{ name: 'db' }, { name: 'notes' }],
        },
      }),
    );
    await cmigOk('apply', '-f', join(folder, 'traveller.yaml'), '--allow-outside', '--wait');
    address = await addressOf('traveller');
    for (let each = 0; each < 5; each += 1)
      streams.push(await NumberedStream.open({ host: address, port: 80, path: '/stream' }));
    // Published on every host, whether the application is there or not.
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', labName);
    for (const { address: host } of hosts)
      streams.push(
        // The others hear of the application a moment after it runs.
        await waitFor(
          () => NumberedStream.open({ host, port: 8780, path: '/stream' }).catch(() => undefined),
          { timeoutMs: 60_000, intervalMs: 200, what: `an answer at the port of ${host}` },
        ),
      );
  });

  afterAll(async () => {
    for (const stream of streams) stream.close();
    await cmig('delete', 'traveller');
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['host-a', 'host-b'],
    ['host-b', 'host-c'],
    ['host-c', 'host-a'],
  ])('moves from %s to %s with its connections, memory and files', async (from, to) => {
    await Promise.all(streams.map((stream) => stream.more(5)));
    const before = {
      survivor: await askSurvivor(),
      shop: await shop(),
      ports: streams.map(({ localPort }) => localPort),
    };
    const note = `written just before leaving ${from}`;
    const written = await cmig(
      'exec',
      'traveller',
      '-c',
      'probe',
      '--',
      'python3',
      '-c',
      `open('/data/note','w').write(${JSON.stringify(note)})`,
    );
    expect(written).toMatchObject({ exitCode: 0 });

    const moved = await cmig('migrate', 'traveller', to, '-o', 'json');
    expect({ exitCode: moved.exitCode, stderr: moved.stderr }).toEqual({ exitCode: 0, stderr: '' });
    const report = JSON.parse(moved.stdout) as MigrationReport;
    expect(report).toMatchObject({
      application: 'traveller',
      from,
      to,
      outcome: 'committed',
      strategy: 'stop-and-copy',
    });
    expect(report.connections).toBeGreaterThanOrEqual(5);
    expect(report.frozenMs).toBeGreaterThan(0);
    expect(report.bytes.memory).toBeGreaterThan(0);

    await Promise.all(streams.map((stream) => stream.more(20)));
    expect(streams.flatMap(({ problems }) => problems)).toEqual([]);
    expect(streams.map(({ localPort }) => localPort)).toEqual(before.ports);

    const after = { survivor: await askSurvivor(), shop: await shop() };
    expect(after.survivor).toMatchObject({
      cwd: '/tmp/work',
      mark: 'carried along',
      deleted: 'still here',
      note,
      contiguous: true,
      inner: { broken: null, port: before.survivor.inner.port },
    });
    expect(after.survivor.inner.last).toBeGreaterThan(before.survivor.inner.last);
    expect(after.survivor.written).toBeGreaterThan(before.survivor.written);
    expect(after.shop.redis).toEqual(before.shop.redis);
    expect(after.shop.count).toBeGreaterThan(before.shop.count);
    expect(await accepts(7001)).toBe(true);

    // The source keeps nothing.
    const left = await tryOnHost(
      from,
      'sh',
      '-c',
      'ls /var/lib/cmig/applications /var/lib/cmig/incoming /run/netns; runc --root /run/cmig/runc list -q; grep -c traveller /proc/mounts; ls /var/lib/cmig/migrations/*/images',
    );
    expect(left.stdout).not.toMatch(/traveller/);
    expect(left.stdout.trim().split('\n').at(-1)).toBe('0');
    expect(left.stderr).toMatch(/images.*No such file/);
    const { status } = await cmigJson<Application>('get', 'application', 'traveller');
    expect(status).toMatchObject({ host: to, phase: 'Running', address });
  });
});
