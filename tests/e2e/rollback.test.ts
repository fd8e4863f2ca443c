// One real failure in each step before the commit: the application runs on at its source, and the next try succeeds.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import type { Application } from '../../src/contract/application.ts';
import type { MigrationReport } from '../../src/orchestrator/migration/migrate.ts';
import { addressOf, cmig, cmigJson, cmigOk, images, tryOnHost, unmount, useLab } from './lab.ts';
import { connectToLab } from './lab-broker.ts';
import { NumberedStream } from './numbered-stream.ts';
import { labName, settings } from './settings.ts';
import { applyTicker } from './ticker.ts';

const data = '/var/lib/cmig';

/** Each breaks one host for one step, and mends it again. All are plain facts of a bad day: no hook in the product. */
const failures = {
  prepare: {
    host: 'host-b',
    // The folder of applications cannot be written.
    inflict: `mount --bind ${data}/applications ${data}/applications && mount -o remount,bind,ro ${data}/applications`,
    mend: unmount(`${data}/applications`),
    says: /read-only/i,
  },
  presync: {
    host: 'host-b',
    // No room for the files that go ahead.
    inflict: `mount -t tmpfs -o size=64k tmpfs ${data}/incoming`,
    mend: unmount(`${data}/incoming`),
    says: /space|full/i,
  },
  freeze: {
    host: 'host-a',
    // A deleted, still open file of more than criu takes along.
    inflict: '',
    mend: '',
    says: /dump/i,
  },
  transfer: {
    host: 'host-b',
    // Room for the files, but not for the memory.
    inflict: `mount -t tmpfs -o size=3m tmpfs ${data}/incoming`,
    mend: unmount(`${data}/incoming`),
    says: /space|full/i,
  },
  restore: {
    host: 'host-b',
    // The program at the destination is another one than at the source.
    inflict: `for f in ${data}/layers/*/rootfs/app/ticker.py; do python=$(dirname $(dirname $f))/usr/bin/python3.11; cp -p $python $python.kept; printf x >>$python; done`,
    mend: `for f in ${data}/layers/*/rootfs/app/ticker.py; do python=$(dirname $(dirname $f))/usr/bin/python3.11; mv $python.kept $python; done`,
    says: /restore/i,
  },
} as const;

describe('a migration that fails', () => {
  useLab();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
    const container = (name: string, port: number) => ({
      name,
      image: 'dir:images/python',
      command: ['python3', '/app/ticker.py'],
      env: [
        { name: 'PORT', value: String(port) },
        { name: 'BALLAST_MB', value: '4' },
      ],
      ready: { tcp: port },
    });
    await writeFile(
      join(folder, 'stayer.yaml'),
      stringify({
        apiVersion: 'cmig.dev/v1',
        kind: 'Application',
        metadata: { name: 'stayer' },
        spec: {
          host: 'host-a',
          containers: [container('one', 7000), container('two', 7001)],
          volumes: [{ name: 'files' }],
        },
      }),
    );
    await cmigOk('apply', '-f', join(folder, 'stayer.yaml'), '--allow-outside', '--wait');
    // The image is at the destination before the first failure.
    await cmigOk('migrate', 'stayer', 'host-b');
    await cmigOk('migrate', 'stayer', 'host-a');
  });
  afterAll(async () => {
    await cmig('delete', 'stayer');
    await rm(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(failures) as (keyof typeof failures)[])(
    'in %s is rolled back, and succeeds when tried again',
    async (step) => {
      const { host, inflict, mend, says } = failures[step];
      const address = await addressOf('stayer');
      const streams = await Promise.all(
        [7000, 7001].map((port) => NumberedStream.open({ host: address, port })),
      );
      try {
        await Promise.all(streams.map((stream) => stream.more(5)));
        if (step === 'presync') await writeInContainer('one', '/tmp/big', 1);
        if (step === 'freeze') await holdDeletedFile('one', 70);
        if (inflict) expect(await tryOnHost(host, 'sh', '-c', inflict)).toMatchObject({ exitCode: 0 });
        const before = await describeStayer();

        const failed = await cmig('migrate', 'stayer', 'host-b', '-o', 'json');
        if (mend) expect(await tryOnHost(host, 'sh', '-c', mend)).toMatchObject({ exitCode: 0 });
        expect({ step, exitCode: failed.exitCode }).toEqual({ step, exitCode: 6 });
        const report = JSON.parse(failed.stdout) as MigrationReport;
        expect(report.outcome).toBe('rolled-back');
        expect(JSON.stringify(report.error)).toMatch(says);

        await Promise.all(streams.map((stream) => stream.more(10)));
        expect(streams.flatMap(({ problems }) => problems)).toEqual([]);
        const after = await describeStayer();
        expect(after.status).toMatchObject({ host: 'host-a', phase: 'Running', epoch: before.status.epoch });
        expect(after.status.containers.map(({ pid, restarts }) => ({ pid, restarts }))).toEqual(
          before.status.containers.map(({ pid, restarts }) => ({ pid, restarts })),
        );
        const left = await tryOnHost(
          'host-b',
          'sh',
          '-c',
          `ls ${data}/applications ${data}/incoming /run/netns; runc --root /run/cmig/runc list -q; grep stayer /proc/mounts`,
        );
        expect(left.stdout).not.toMatch(/stayer|m-/);

        if (step === 'freeze') await dropDeletedFile('one');
        await cmigOk('migrate', 'stayer', 'host-b');
        await Promise.all(streams.map((stream) => stream.more(10)));
        await cmigOk('migrate', 'stayer', 'host-a');
        await Promise.all(streams.map((stream) => stream.more(10)));
        expect(streams.flatMap(({ problems }) => problems)).toEqual([]);
      } finally {
        for (const stream of streams) stream.close();
      }
    },
  );

  it('while it is held, the disk of its source full to the last byte, costs nothing either', async () => {
    const connection = await connectToLab(labName, 'full disk');
    const rpc = new RpcClient(connection, { caller: connection.name });
    const address = await addressOf('stayer');
    const stream = await NumberedStream.open({ host: address, port: 7000 });
    const folder = `${data}/migrations`;
    const onSource = async (text: string) =>
      expect(await tryOnHost('host-a', 'sh', '-c', text)).toMatchObject({ exitCode: 0 });
    try {
      const before = await describeStayer();
      await onSource(`mount -t tmpfs -o size=64m tmpfs ${folder}`);
      const migration = `m-${Date.now().toString(36)}full`;
      const terms = { migration, strategy: 'stop-and-copy', leaseMs: 600_000 };
      const { facts } = await rpc.call(
        'host-a',
        'migration.preflight.source',
        { application: 'stayer', to: 'host-b' },
        { timeoutMs: 60_000 },
      );
      await rpc.callLong('host-b', 'migration.prepare', { ...terms, from: 'host-a', facts: facts! });
      await rpc.callLong('host-a', 'migration.presync', { ...terms, application: 'stayer', to: 'host-b' });
      await rpc.callLong('host-a', 'migration.freeze', { migration });
      // A file takes whole pages: the rest of its last one is room for some lines more.
      const fill = (file: string) => `head -c 64m /dev/zero >>${file}`;
      await onSource(
        `cd ${folder} && ! ${fill('filler')} && for log in $(find . -name '*.log'); do ! ${fill('$log')}; done`,
      );
      for (const host of ['host-b', 'host-a'])
        await rpc.callLong(host, 'migration.abort', { migration, reason: 'a full disk' });
      await stream.more(10);
      expect(stream.problems).toEqual([]);
      const pids = ({ status }: Application) =>
        status.containers.map(({ pid, restarts }) => ({ pid, restarts }));
      expect(pids(await describeStayer())).toEqual(pids(before));
    } finally {
      stream.close();
      await onSource(unmount(folder));
      await connection.close();
    }
  });

  it('nor is anything there, or told of, of an application that could not even be written down', async () => {
    expect(await tryOnHost('host-a', 'touch', `${data}/applications/unwritten`)).toMatchObject({
      exitCode: 0,
    });
    await expect(applyTicker(folder, 'unwritten')).rejects.toThrow();
    expect(await cmig('get', 'application', 'unwritten')).toMatchObject({ exitCode: 3 });
    await applyTicker(folder, 'unwritten');
    await cmigOk('delete', 'unwritten');
  });

  async function describeStayer(): Promise<Application> {
    return await cmigJson<Application>('get', 'application', 'stayer');
  }

  async function writeInContainer(container: string, file: string, megabytes: number): Promise<void> {
    const program = `import os; open(${JSON.stringify(file)}, 'wb').write(os.urandom(${megabytes} << 20))`;
    await cmigOk('exec', 'stayer', '-c', container, '--', 'python3', '-c', program);
  }

  /** A process in the container that does nothing but hold a deleted file open; settles when it does. */
  async function holdDeletedFile(container: string, megabytes: number): Promise<void> {
    const program = [
      'import os, sys, time',
      'done, doing = os.pipe()',
      'if os.fork():',
      '  os.close(doing)',
      '  sys.exit(0 if os.read(done, 1) else 1)',
      'os.setsid()',
      "held = open('/tmp/held', 'w+b')",
      `held.write(bytes(${megabytes} << 20))`,
      'held.flush()',
      "os.unlink('/tmp/held')",
      "null = os.open('/dev/null', os.O_RDWR)",
      'for each in (0, 1, 2): os.dup2(null, each)',
      "os.write(doing, b'.')",
      'os.close(doing)',
      'os.close(done)',
      'time.sleep(3600)',
    ].join('\n');
    await cmigOk('exec', 'stayer', '-c', container, '--', 'python3', '-c', program);
  }

  async function dropDeletedFile(container: string): Promise<void> {
    const program = [
      'import os, signal',
      "for pid in filter(str.isdigit, os.listdir('/proc')):",
      '  if int(pid) in (1, os.getpid()): continue',
      '  os.kill(int(pid), signal.SIGKILL)',
    ].join('\n');
    await cmigOk('exec', 'stayer', '-c', container, '--', 'python3', '-c', program);
  }
});
