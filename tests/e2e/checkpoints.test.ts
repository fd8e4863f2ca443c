// Checkpoints that one can go back to: memory, files, volumes and inner connections as they were, in any order.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import type { Checkpoint, RestoreResult } from '../../src/contract/checkpoint.ts';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, runProcess } from '../../src/core/run-process.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import {
  addressOf,
  type CmigResult,
  cmig,
  cmigJson,
  cmigOk,
  images,
  inShell,
  lab,
  startCmig,
  tryOnHost,
  unmount,
  useLab,
} from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { labName, settings } from './settings.ts';

let address: string;

async function ask<T>(port: number): Promise<T> {
  let text = '';
  for await (const chunk of connect({ host: address, port })) text += chunk;
  return JSON.parse(text) as T;
}

interface Survivor {
  deleted: string;
  inner: { last: number; broken: string | null; port: number };
  contiguous: boolean;
}
interface Ledger {
  remembered: number;
  rows: number;
  last: number;
  integrity: string;
}
interface Shop {
  redis: { clientId: number; localPort: number; connections: number };
}

const shop = async (): Promise<Shop> => (await (await fetch(`http://${address}/`)).json()) as Shop;
const keeper = (): Promise<Application> => cmigJson<Application>('get', 'application', 'keeper');
const inContainer = (container: string, ...command: string[]): Promise<string> =>
  cmigOk('exec', 'keeper', '-c', container, '--', ...command);
const redis = async (...words: string[]): Promise<string> =>
  (await inContainer('db', 'redis-cli', ...words)).trim();
const checkpoints = async (): Promise<Checkpoint[]> =>
  (await cmigJson<{ items: Checkpoint[] }>('get', 'checkpoints')).items;
const dataOf = (host: string): string => new LabPaths(labName).machine(host).data;
const restore = (id: string, ...options: string[]): Promise<RestoreResult> =>
  cmigJson<RestoreResult>('restore', 'keeper', '--checkpoint', id, ...options);
const openStream = (): Promise<NumberedStream> =>
  NumberedStream.open({ host: address, port: 80, path: '/stream' });

const treeProgram = await readFile(join(import.meta.dirname, 'manifests/tree.py'), 'utf8');
const tree = (what: 'make' | 'change' | 'look'): Promise<string> =>
  inContainer('probe', 'python3', '-c', treeProgram, what);

/** All of it is of one instant: what it remembers is what its files and its siblings have. */
async function expectConsistent(shopBefore: Shop, port: number): Promise<void> {
  const survivor = await ask<Survivor>(7002);
  expect(survivor).toMatchObject({ deleted: 'still here', contiguous: true, inner: { broken: null, port } });
  const ledger = await ask<Ledger>(7003);
  expect(ledger).toEqual({ ...ledger, rows: ledger.remembered, last: ledger.remembered, integrity: 'ok' });
  expect((await shop()).redis).toEqual(shopBefore.redis);
}

/** Nothing of it is left but what is asked for. */
async function expectNoLeftovers(host = 'host-a'): Promise<void> {
  expect(await readdir(join(dataOf(host), 'restores'))).toEqual([]);
  const folder = join(dataOf(host), 'checkpoints/keeper');
  const entries = existsSync(folder) ? await readdir(folder) : [];
  expect(entries.filter((name) => name.startsWith('.'))).toEqual([]);
}

describe('checkpoints of a running application', () => {
  useLab();
  // Several moves and restores in one test, on a machine that may do other things too.
  jest.setTimeout(240_000);
  let folder: string;
  /** What there was at each checkpoint. */
  const points = new Map<string, { files: string; point: string }>();
  let before: { shop: Shop; port: number };
  /** The checkpoint of what ran before the last restore. */
  let kept: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
    const program = await readFile(join(import.meta.dirname, 'manifests/survivor.py'), 'utf8');
    const database = ['--bind', '127.0.0.1', '--dir', '/data', '--save', '', '--appendonly', 'yes'];
    await writeFile(
      join(folder, 'keeper.yaml'),
      stringify({
        apiVersion: 'cmig.dev/v1',
        kind: 'Application',
        metadata: { name: 'keeper' },
        spec: {
          host: 'host-a',
          containers: [
            {
              name: 'db',
              image: 'dir:images/redis',
              command: ['redis-server', ...database, '--appendfsync', 'always'],
              volumes: [{ name: 'db', mountPath: '/data' }],
              ready: { tcp: 6379 },
            },
            {
              name: 'web',
              image: 'dir:images/shop-web',
              command: ['python3', '/app/shop-web.py', '--port', '80'],
              stopTimeout: '1s',
              dependsOn: ['db'],
              ready: { http: { port: 80 } },
            },
            {
              name: 'probe',
              image: 'dir:images/python',
              command: ['python3', '-c', program],
              workingDir: '/tmp/work',
              stopTimeout: '1s',
              volumes: [{ name: 'notes', mountPath: '/data' }],
              dependsOn: ['web'],
              ready: { tcp: 7002 },
            },
            {
              name: 'ledger',
              image: 'dir:images/sqlite',
              command: ['python3', '/app/ledger.py'],
              stopTimeout: '1s',
              volumes: [{ name: 'ledger', mountPath: '/data' }],
              ready: { tcp: 7003 },
            },
          ],
          volumes: [{ name: 'db' }, { name: 'notes' }, { name: 'ledger' }],
        },
      }),
    );
    await cmigOk('apply', '-f', join(folder, 'keeper.yaml'), '--allow-outside', '--wait');
    address = await addressOf('keeper');
    before = { shop: await shop(), port: (await ask<Survivor>(7002)).inner.port };
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are taken while its connections go on, and share what has not changed', async () => {
    const stream = await openStream();
    try {
      await stream.more(5);
      for (const id of ['one', 'two']) {
        await tree(id === 'one' ? 'make' : 'change');
        await redis('set', 'point', `point-${id}`);
        const taken = await cmigJson<Checkpoint>('checkpoint', 'keeper', '--name', id);
        expect(taken.status.frozenMs).toBeGreaterThan(0);
        expect(taken.status.connections).toBeGreaterThanOrEqual(1);
        points.set(id, { files: await tree('look'), point: `point-${id}` });
      }
      await stream.more(10);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
    expect(points.get('one')!.files).not.toEqual(points.get('two')!.files);
    const [one, two] = await checkpoints();
    expect([one!.metadata.name, two!.metadata.name]).toEqual(['one', 'two']);
    expect(two!.spec.previous).toBe('one');
    expect(two!.status.ownBytes).toBeLessThan(two!.status.sizeBytes);
    expect(await cmigOk('describe', 'ckpt', 'one')).toMatch(/redis-server.*127\.0\.0\.1/);
    expect(await cmigOk('describe', 'ckpt', 'two')).toMatch(
      two!.status.memoryTracked
        ? /Memory: .*dumped: what was written to since one/
        : /Memory: .*dumped: all of it, as the kernel does not tell what is written to/,
    );
    expect((await cmig('checkpoint', 'keeper', '--name', 'one')).exitCode).toBe(4);
    await expectConsistent(before.shop, before.port);
  });

  it.each(['one', 'two', 'one'])('bring back %s', async (id) => {
    const stream = await openStream();
    try {
      await stream.more(5);
      await redis('set', 'point', 'later');
      const { epoch } = (await keeper()).status;

      const result = await restore(id, ...(id === 'two' ? ['--discard-current'] : []));
      expect(result).toMatchObject({
        application: 'keeper',
        checkpoint: id,
        host: 'host-a',
        epoch: epoch + 1,
      });
      // The stream of the first test is one of the checkpoint's.
      expect(result.closedConnections).toBeGreaterThanOrEqual(1);
      expect(result.kept === undefined).toBe(id === 'two');

      expect(await redis('get', 'point')).toBe(points.get(id)!.point);
      const log = await inContainer('db', 'sh', '-c', 'cat /data/appendonlydir/*.incr.aof');
      expect(log).toContain(points.get(id)!.point);
      expect(log).not.toContain('later');
      expect(JSON.parse(await tree('look'))).toEqual(JSON.parse(points.get(id)!.files));
      await expectConsistent(before.shop, before.port);
      // Whoever was connected is told, though it only listens.
      await waitFor(() => stream.problems.length > 0, {
        timeoutMs: 60_000,
        what: 'the end of the connection',
      });
      expect(stream.problems.join()).toMatch(/broke|closed/);
      expect((await keeper()).status).toMatchObject({ phase: 'Running', host: 'host-a', address });
      await expectNoLeftovers();
      if (!result.kept) return;
      kept = result.kept;
      expect((await checkpoints()).find(({ metadata }) => metadata.name === kept)).toMatchObject({
        spec: { application: 'keeper', reason: 'restore' },
      });
    } finally {
      stream.close();
    }
  });

  it('keep what ran before a restore', async () => {
    await restore(kept, '--discard-current');
    expect(await redis('get', 'point')).toBe('later');
    await expectConsistent(before.shop, before.port);
  });

  it('are refused where a file of theirs is damaged, and nothing is changed', async () => {
    const file = 'images/db/pages-1.img';
    const stream = await openStream();
    const { status } = await keeper();
    const onHost = async (command: string): Promise<void> => {
      const inside = `cd /var/lib/cmig/checkpoints/keeper/one && ${command}`;
      expect(await tryOnHost('host-a', 'sh', '-c', inside)).toMatchObject({ exitCode: 0 });
    };
    const refusal = async (): Promise<CmigResult> => cmig('restore', 'keeper', '--checkpoint', 'one');
    try {
      await onHost(`cp -p ${file} /tmp/kept`);
      await onHost(`printf x | dd of=${file} bs=1 seek=5000 conv=notrunc && touch -r /tmp/kept ${file}`);
      const damaged = expect.stringContaining(`${file} is damaged`) as unknown as string;
      expect(await refusal()).toMatchObject({ exitCode: 1, stderr: damaged });
      await onHost(`rm ${file}`);
      expect((await refusal()).stderr).toContain(`${file} is missing`);
      await onHost(`cp -p /tmp/kept ${file} && mv seal.json /tmp/seal.json`);
      expect((await refusal()).stderr).toContain('seal.json is missing');
      await onHost('mv /tmp/seal.json .');
      await stream.more(10);
      expect(stream.problems).toEqual([]);
      const pids = ({ containers }: Application['status']) => containers.map(({ pid }) => pid);
      expect(pids((await keeper()).status)).toEqual(pids(status));
    } finally {
      stream.close();
    }
  });

  it('leave the application running and nothing else where the disk is full', async () => {
    const stream = await openStream();
    const data = '/var/lib/cmig/checkpoints';
    expect(await tryOnHost('host-a', 'mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', data)).toMatchObject({
      exitCode: 0,
    });
    try {
      await stream.more(5);
      const failed = await cmig('checkpoint', 'keeper');
      expect({ exitCode: failed.exitCode }).toEqual({ exitCode: 1 });
      expect(failed.stderr).toMatch(/no room|No space/);
      await stream.more(10);
      expect(stream.problems).toEqual([]);
      expect((await tryOnHost('host-a', 'find', data, '-mindepth', '2')).stdout).toBe('');
    } finally {
      stream.close();
      expect(await tryOnHost('host-a', 'sh', '-c', unmount(data))).toMatchObject({ exitCode: 0 });
    }
    await expectConsistent(before.shop, before.port);
  });

  const states = ['preparing', 'ending', 'replacing', 'committed'];
  /** Of the restore under way on host-a; `over` where there is none. */
  const restoreState = async (): Promise<string> => {
    const folder = join(dataOf('host-a'), 'restores');
    const [id] = await readdir(folder);
    if (!id) return 'over';
    const text = await readFile(join(folder, id, 'journal.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { state?: string }).state ?? 'over';
  };
  /** Where a busy machine let the moment pass unseen, it is tried again. */
  const restoreUntil = async (moment: string): Promise<BackgroundProcess> => {
    for (;;) {
      await redis('set', 'point', 'now');
      const command = startCmig('restore', 'keeper', '--checkpoint', 'one', '--discard-current');
      let hasEnded = false;
      void command.ended.then(() => {
        hasEnded = true;
      });
      const isReached = async () => states.indexOf(await restoreState()) >= states.indexOf(moment);
      const look = async () => ((await isReached()) ? 'reached' : hasEnded && 'missed');
      const what = `the restore being ${moment}`;
      if ((await waitFor(look, { timeoutMs: 60_000, intervalMs: 2, what })) === 'reached') return command;
      expect(await command.ended).toEqual({ exitCode: 0 });
    }
  };
  const afterwards = async (command: BackgroundProcess): Promise<void> => {
    await lab('start', 'host-a');
    command.kill();
    await command.ended;
    const isBack = async () =>
      (await cmig('get', 'application', 'keeper', '--no-headers')).stdout.includes(' Running ');
    await waitFor(isBack, { timeoutMs: 60_000, what: 'the application running again' });
  };

  it.each(['ending', 'committed'])('survive an agent that is killed when a restore is %s', async (moment) => {
    const command = await restoreUntil(moment);
    await lab('kill', 'host-a', '--agent');
    await afterwards(command);
    // Back or on, but all of it.
    expect(['now', points.get('one')!.point]).toContain(await redis('get', 'point'));
    await expectConsistent(before.shop, before.port);
    await expectNoLeftovers();
  });

  it('survive a host that loses its power while one takes the place of what ran', async () => {
    const [agent] = await findAgents((await runningMachines(labName)).get('host-a')!);
    const command = await restoreUntil('replacing');
    process.kill(agent!, 'SIGSTOP');
    const state = await restoreState();
    await lab('kill', 'host-a');
    await afterwards(command);
    expect(await redis('get', 'point')).toBe(state === 'replacing' ? 'now' : points.get('one')!.point);
    // What ran before has its memory on disk; what was restored begins afresh, as after any reboot.
    if (state === 'replacing') await expectConsistent(before.shop, before.port);
    await expectNoLeftovers();
  });

  it('bring it back on another host, where they are sent to and stay', async () => {
    await redis('set', 'point', 'on host-a');
    const moved = await cmigJson<RestoreResult>('migrate', 'keeper', 'host-b', '--from-checkpoint', 'two');
    expect(moved).toMatchObject({ checkpoint: 'two', host: 'host-b' });
    expect(await redis('get', 'point')).toBe('point-two');
    expect(JSON.parse(await tree('look'))).toEqual(JSON.parse(points.get('two')!.files));
    await expectConsistent(before.shop, before.port);
    expect(await readdir(join(dataOf('host-b'), 'incoming'))).not.toContainEqual(
      expect.stringMatching(/^m-/),
    );
    await expectNoLeftovers('host-b');
    const copies = (await checkpoints()).filter(({ metadata }) => metadata.name === 'two');
    expect(copies.map(({ status }) => [status.host, status.takenOn])).toEqual([
      ['host-a', 'host-a'],
      ['host-b', 'host-a'],
    ]);

    // What ran before is a checkpoint of the host to which it was moved.
    const former = (await checkpoints()).find(({ metadata }) => metadata.name === moved.kept);
    expect(former?.status).toMatchObject({ host: 'host-b', takenOn: 'host-b' });
    expect((await keeper()).status).toMatchObject({ host: 'host-b', phase: 'Running', address });
  });

  it('are what an application is stopped with, or comes back from when it was deleted', async () => {
    await redis('set', 'point', 'at the stop');
    const stream = await openStream();
    await cmigOk('checkpoint', 'keeper', '--name', 'stopped', '--stop');
    expect((await keeper()).status.phase).toBe('Stopped');
    await waitFor(() => stream.problems.length > 0, { timeoutMs: 60_000, what: 'the end of the connection' });
    stream.close();
    expect((await cmig('restore', 'keeper', '--checkpoint', 'stopped')).exitCode).toBe(4);
    await cmigOk('delete', 'keeper');
    await restore('stopped');
    expect(await redis('get', 'point')).toBe('at the stop');
    await expectConsistent(before.shop, before.port);
    await cmigOk('delete', 'checkpoint', 'stopped');
    expect((await checkpoints()).map(({ metadata }) => metadata.name)).not.toContain('stopped');
  });
});

describe('a checkpoint', () => {
  useLab();
  jest.setTimeout(240_000);
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
    await cp(join(images, 'python'), join(folder, 'other'), { recursive: true, verbatimSymlinks: true });
    await writeFile(join(folder, 'other/app/mark'), 'another image');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const apply = async (image: string): Promise<Application> => {
    const ports = { one: 7000, two: 7001 };
    const containers = Object.entries(ports).map(([name, port]) => ({
      name,
      image: `dir:${image}`,
      command: ['python3', '/app/ticker.py'],
      env: [{ name: 'PORT', value: String(port) }],
      stopTimeout: '1s',
      ready: { tcp: port },
    }));
    const spec = { host: 'host-a', containers };
    const manifest = { apiVersion: 'cmig.dev/v1', kind: 'Application', metadata: { name: 'fickle' }, spec };
    await writeFile(join(folder, 'fickle.yaml'), stringify(manifest));
    await cmigOk('apply', '-f', join(folder, 'fickle.yaml'), '--allow-outside', '--wait');
    return cmigJson<Application>('get', 'application', 'fickle');
  };

  it('that cannot be restored leaves what runs as it is, with its connections', async () => {
    const early = await apply('images/python');
    await cmigOk('checkpoint', 'fickle', '--name', 'early');
    const { status, spec } = await apply('other');
    const target = { host: status.address, port: 7001 };
    const stream = await NumberedStream.open(target);
    // The program of the checkpoint is not what it was, which only criu notices.
    const program = `/var/lib/cmig/layers/${early.status.containers[0]!.image.replace('sha256:', '')}/rootfs/usr/bin/python3.11`;
    try {
      await stream.more(5);
      await tryOnHost('host-a', 'sh', '-c', `cp -p ${program} ${program}.kept && printf x >>${program}`);
      const failed = await cmig('restore', 'fickle', '--checkpoint', 'early');
      await tryOnHost('host-a', 'mv', `${program}.kept`, program);
      expect({ exitCode: failed.exitCode }).toEqual({ exitCode: 1 });
      expect(failed.stderr).toMatch(/could not be restored/);
      await stream.more(10);
      expect(stream.problems).toEqual([]);
      const now = await cmigJson<Application>('get', 'application', 'fickle');
      expect(now.spec).toEqual(spec);
      expect(now.status).toMatchObject({ phase: 'Running', epoch: status.epoch });
      expect(await readdir(join(dataOf('host-a'), 'restores'))).toEqual([]);

      await cmigOk('restore', 'fickle', '--checkpoint', 'early', '--discard-current');
      const restored = await cmigJson<Application>('get', 'application', 'fickle');
      expect(restored.spec).toEqual(early.spec);
      const again = await NumberedStream.open(target);
      await again.more(5);
      again.close();
    } finally {
      stream.close();
    }
  });

  it('is carried in one file, and refused where that is not what it was', async () => {
    const file = join(folder, 'early.tar.zst');
    await cmigOk('checkpoint', 'export', 'early', file);
    expect((await cmig('checkpoint', 'export', 'early', file)).exitCode).toBe(4);
    const piped = join(folder, 'piped');
    expect(await inShell(`cmig checkpoint export early - | cat > ${piped}`)).toMatchObject({ exitCode: 0 });
    const twice = await cmig('checkpoint', 'import', file, '--host', 'host-a');
    expect(twice).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('already') });
    await cmigOk('delete', 'checkpoint', 'early');

    const whole = await readFile(file);
    const harmed = Buffer.from(whole);
    harmed.fill(0x55, whole.length >> 1, (whole.length >> 1) + 64);
    for (const content of [harmed, whole.subarray(0, whole.length >> 1), Buffer.from('no archive')]) {
      await writeFile(join(folder, 'harmed'), content);
      const refused = await cmig('checkpoint', 'import', join(folder, 'harmed'), '--host', 'host-a');
      expect({ exitCode: refused.exitCode, length: content.length }).not.toMatchObject({ exitCode: 0 });
      expect(refused.stderr).toMatch(/^cmig: |error|archive|damaged/);
    }
    // Interrupted while the rest of it is still to come.
    const pipe = join(folder, 'pipe');
    await runProcess('mkfifo', [pipe]);
    // As much as a pipe holds, so that it may be written before anybody reads.
    const writer = await open(pipe, 'r+');
    await writer.write(whole.subarray(0, 32_768));
    const importing = startCmig('checkpoint', 'import', pipe, '--host', 'host-a');
    try {
      const halves = async () => (await readdir(join(dataOf('host-a'), 'restores'))).length;
      await waitFor(async () => (await halves()) > 0, { timeoutMs: 60_000, what: 'the import' });
      importing.kill('SIGINT');
      await waitFor(async () => (await halves()) === 0, { timeoutMs: 60_000, what: 'the end of it' });
      // It once stayed until whoever wrote had closed the pipe.
      expect(await importing.ended).toEqual({ exitCode: 130 });
    } finally {
      await writer.close();
      importing.kill('SIGINT');
    }
    expect((await checkpoints()).map(({ metadata }) => metadata.name)).not.toContain('early');
    expect(await readdir(join(dataOf('host-a'), 'restores'))).toEqual([]);

    await cmigOk('checkpoint', 'import', file, '--host', 'host-a');
    await cmigOk('delete', 'checkpoint', 'early');
    const fromPipe = `cat ${piped} | cmig checkpoint import - --host host-a`;
    expect(await inShell(fromPipe)).toMatchObject({ exitCode: 0 });
    await cmigOk('restore', 'fickle', '--checkpoint', 'early', '--discard-current');
    expect(await cmigJson<Application>('get', 'application', 'fickle')).toMatchObject({
      status: { phase: 'Running', host: 'host-a' },
    });
  });

  it('is taken by the schedule, also by the next agent, and no more are kept than asked for', async () => {
    const containers = [
      { name: 'one', image: 'dir:images/busybox', command: ['sleep', '3600'], stopTimeout: '1s' },
    ];
    const spec = { host: 'host-a', containers, checkpoints: { every: '2s', keep: 2 } };
    const manifest = { apiVersion: 'cmig.dev/v1', kind: 'Application', metadata: { name: 'regular' }, spec };
    await writeFile(join(folder, 'regular.yaml'), stringify(manifest));
    const names = async () =>
      (await checkpoints())
        .filter(({ spec }) => spec.application === 'regular' && spec.reason === 'schedule')
        .map(({ metadata }) => metadata.name);
    const renewed = async (old: readonly string[]) => {
      const now = await names();
      return now.length === 2 && !now.some((name) => old.includes(name)) && now;
    };
    const options = { timeoutMs: 80_000, intervalMs: 200, what: 'two checkpoints by the schedule' };
    try {
      await cmigOk('apply', '-f', join(folder, 'regular.yaml'), '--allow-outside', '--wait');
      const first = await waitFor(() => renewed([]), options);
      await lab('kill', 'host-a', '--agent');
      await lab('start', 'host-a');
      await waitFor(() => renewed(first), options);
      // Also when none is taken any more.
      await cmigOk('stop', 'regular');
      Object.assign(spec.checkpoints, { keep: 1 });
      await writeFile(join(folder, 'regular.yaml'), stringify(manifest));
      await cmigOk('apply', '-f', join(folder, 'regular.yaml'), '--allow-outside');
      await waitFor(async () => (await names()).length === 1, {
        ...options,
        what: 'the end of one too many',
      });
    } finally {
      await cmig('delete', 'regular');
      await cmig('delete', 'checkpoint', ...(await names()));
    }
  });
});
