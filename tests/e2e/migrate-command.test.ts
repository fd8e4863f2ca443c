// The command `migrate` as a user meets it: plans, refusals, an interruption in mid-course, and what it prints.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { MigrationReport } from '../../src/orchestrator/migration/migrate.ts';
import { addressOf, cmig, cmigJson, cmigOk, follow, lab, onHost, startCmig, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { settings } from './settings.ts';
import { applyTicker } from './ticker.ts';

useLab();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'migrate-'));
  await applyTicker(folder, 'tick', { ballastMb: 16 });
});
afterAll(() => rm(folder, { recursive: true }));

const placeOf = async () => {
  const { status } = await cmigJson<Application>('get', 'app', 'tick');
  return { host: status.host, phase: status.phase, epoch: status.epoch };
};
const migrations = async () => (await cmigJson<{ items: Migration[] }>('get', 'migrations')).items;
/** Other test files have left journals of theirs on the hosts of this lab. */
const migrationNames = async () => (await migrations()).map(({ metadata }) => metadata.name);

describe('migrate', () => {
  it('refuses what cannot be, each with its own words, and changes nothing', async () => {
    const before = [await placeOf(), await migrationNames()];
    const cases: [string[], number, string][] = [
      [['nothing', 'host-b'], 3, 'there is no application "nothing"'],
      [['tick', 'hots-b'], 3, 'did you mean "host-b"'],
      [['tick', '../host-b'], 3, 'there is no host'],
      [['tick', 'host-a'], 4, 'already runs on host-a'],
      [['tick', 'host-b', '--strategy', 'stop-and-cpoy'], 2, 'stop-and-copy'],
    ];
    for (const [words, exitCode, message] of cases) {
      const result = await cmig('migrate', ...words);
      expect({ words, ...result }).toMatchObject({
        words,
        exitCode,
        stderr: expect.stringContaining(message),
      });
    }
    await cmigOk('stop', 'tick');
    const stopped = await cmig('migrate', 'tick', 'host-b', '-o', 'json');
    await cmigOk('start', 'tick');
    expect(stopped.exitCode).toBe(5);
    expect(JSON.parse(stopped.stderr).error).toMatchObject({ code: 'preflight-refused' });
    expect([await placeOf(), await migrationNames()]).toEqual(before);
  });

  it('prints a plan in a dry run, and changes nothing', async () => {
    const before = [await placeOf(), await migrationNames()];
    const report = await cmigJson<MigrationReport>('migrate', 'tick', 'host-b', '--dry-run');
    expect(report).toMatchObject({
      application: 'tick',
      from: 'host-a',
      to: 'host-b',
      strategy: 'stop-and-copy',
      // Both hosts are one machine: whatever is found is wrong.
      warnings: [],
      findings: [],
    });
    expect(report.plan!.length).toBeGreaterThan(5);
    expect(report.outcome).toBeUndefined();
    expect([await placeOf(), await migrationNames()]).toEqual(before);
  });

  it('ends with one sentence, or one object, and keeps a journal', async () => {
    expect(await cmigOk('migrate', 'tick', 'host-b')).toMatch(
      /\ntick moved from host-a to host-b: frozen for [\d.]+ s, \d+ connections? kept, [\d.]+ MiB\n$/,
    );
    const report = await cmigJson<MigrationReport>('migrate', 'tick', 'host-c');
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['migration', 'frozenMs', 'phases', 'totalMs', 'bytes', 'connections']),
    );
    expect(report).toMatchObject({ application: 'tick', from: 'host-b', to: 'host-c', outcome: 'committed' });
    expect(await placeOf()).toMatchObject({ host: 'host-c', phase: 'Running' });
    // Of what was restored before other things are known.
    expect(await cmigJson('migrate', 'tick', 'host-a', '--dry-run')).toMatchObject({ findings: [] });
    const journal = await cmigJson<Migration>('get', 'migration', report.migration);
    expect(journal).toMatchObject({
      spec: { from: 'host-b', to: 'host-c' },
      status: { outcome: 'committed' },
    });
  });

  it('rolls back when it is interrupted, and waits for that', async () => {
    const stream = await NumberedStream.open({ host: await addressOf('tick'), port: 7000 });
    // Its image is there since the last test, so that a slow link is slow for its memory, the application being frozen.
    await lab('shape', 'host-b', '--rate', '8mbit');
    const moving = startCmig('migrate', 'tick', 'host-b', '-o', 'json');
    try {
      let printed = '';
      moving.stdout!.on('data', (chunk) => {
        printed += chunk;
      });
      await waitFor(async () => (await migrations()).some(({ status }) => status.state === 'frozen'), {
        timeoutMs: 60_000,
        what: 'the freeze',
      });
      moving.kill('SIGINT');
      expect(await moving.ended).toEqual({ exitCode: 130 });
      expect(JSON.parse(printed)).toMatchObject({ outcome: 'rolled-back', error: { code: 'cancelled' } });
      expect(await placeOf()).toMatchObject({ host: 'host-c', phase: 'Running' });
      await stream.more(10);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
      moving.kill('SIGINT');
      await moving.ended;
      await lab('shape', 'host-b', '--rate', 'none');
    }
  });

  it('to a checkpoint says what goes on when it is interrupted, and leaves what runs as it is', async () => {
    await cmigOk('checkpoint', 'tick', '--name', 'back');
    const before = await placeOf();
    // Two minutes for its memory: long enough to be interrupted in.
    await lab('shape', 'host-b', '--rate', '1mbit');
    const moving = follow('migrate', 'tick', 'host-b', '--from-checkpoint', 'back');
    try {
      // Its folder is made before the sender is asked to begin.
      const arrived = ['find', '/var/lib/cmig/incoming', '-path', '*/m-*', '-type', 'f'];
      const isBeingSent = async () => (await onHost('host-b', ...arrived)) !== '';
      await waitFor(isBeingSent, { timeoutMs: 60_000, what: 'the checkpoint being sent' });
      expect(await moving.interrupt()).toEqual({ exitCode: 130 });
    } finally {
      await moving.interrupt();
      await lab('shape', 'host-b', '--rate', 'none');
    }
    expect(moving.notices()).toBe(
      `error: cmig restore was cancelled
hint: tick is as it was; host-c goes on sending checkpoint back to host-b; see its end with: cmig get checkpoints
`,
    );
    const hosts = async () => {
      const { items } = await cmigJson<{ items: Checkpoint[] }>('get', 'checkpoints');
      return items.filter(({ metadata }) => metadata.name === 'back').map(({ status }) => status.host);
    };
    const isThere = async () => (await hosts()).includes('host-b');
    await waitFor(isThere, { timeoutMs: 100_000, what: 'the checkpoint on host-b' });
    expect(await placeOf()).toEqual(before);
  });
});
