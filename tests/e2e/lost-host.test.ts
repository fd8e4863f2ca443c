// The one case that needs a person: the destination is lost between the permit to commit and the news of the commit.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MigrationRecord } from '../../agent/migration/journal.ts';
import type { Application } from '../../src/contract/application.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { waitFor } from '../../src/core/retry.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { addressOf, cmig, cmigJson, cmigOk, lab, onHost, startCmig, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { labName, settings } from './settings.ts';
import { applyTicker } from './ticker.ts';

const migrationsOf = (host: string) => join(new LabPaths(labName).machine(host).data, 'migrations');
const agentOf = async (host: string): Promise<number> =>
  (await findAgents((await runningMachines(labName)).get(host)!))[0]!;

/** What a host has written down of the migration that was begun last, or undefined where it was known before. */
async function newJournal(host: string, known: readonly string[]): Promise<MigrationRecord | undefined> {
  const ids = await readdir(migrationsOf(host)).catch(() => []);
  const id = ids.find((each) => !known.includes(each));
  if (!id) return undefined;
  const text = await readFile(join(migrationsOf(host), id, 'journal.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as MigrationRecord);
}

/**
 * Lets the destination's agent run for a millisecond at a time, until the source has written its permit.
 * @returns false where it was too quick and has committed, or so slow that it has turned back: then it runs on
 */
async function stopBetweenPermitAndCommit(agent: number, known: readonly string[]): Promise<boolean> {
  const destination = async () => (await newJournal('host-b', known))?.state;
  await waitFor(async () => ['restored', 'committed', 'aborted'].includes((await destination()) ?? ''), {
    timeoutMs: 60_000,
    intervalMs: 1,
    what: 'the restore',
  });
  process.kill(agent, 'SIGSTOP');
  const end = performance.now() + 15_000;
  for (;;) {
    await sleep(40);
    if ((await destination()) !== 'restored' || performance.now() > end) {
      process.kill(agent, 'SIGCONT');
      return false;
    }
    if ((await newJournal('host-a', known))?.state === 'permitted') return true;
    process.kill(agent, 'SIGCONT');
    await sleep(1);
    process.kill(agent, 'SIGSTOP');
  }
}

/**
 * Lets the destination commit while the source's agent stands still, so that the source hears nothing of it.
 * @returns false where it does not: then both run on
 */
async function commitUnheard(
  source: number,
  destination: number,
  known: readonly string[],
): Promise<boolean> {
  const committed = () =>
    waitFor(async () => (await newJournal('host-b', known))?.state === 'committed', {
      timeoutMs: 4000,
      intervalMs: 5,
      what: 'the commit',
    }).then(
      () => true,
      () => false,
    );
  for (let tries = 0; tries < 3; tries += 1) {
    // The source sends the permit after it has written it; the destination, which stands still, finds it later.
    await sleep(500);
    process.kill(source, 'SIGSTOP');
    process.kill(destination, 'SIGCONT');
    if (await committed()) return true;
    // The permit was not sent yet, and the destination has asked again.
    process.kill(destination, 'SIGSTOP');
    process.kill(source, 'SIGCONT');
  }
  process.kill(destination, 'SIGCONT');
  return false;
}

describe('a migration whose destination is lost at the commit', () => {
  useLab();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await applyTicker(folder, 'left');
  });
  afterAll(async () => {
    await cmig('lab', 'start', '--name', labName, 'host-b');
    await cmig('delete', 'left');
    await rm(folder, { recursive: true, force: true });
  });

  it('waits, says for what, and runs on at the source when a person says so; a second copy never comes back', async () => {
    let stream = await NumberedStream.open({ host: await addressOf('left'), port: 7000 });
    const [a, b] = await Promise.all([agentOf('host-a'), agentOf('host-b')]);
    const knownMigrations = async () =>
      (
        await Promise.all(['host-a', 'host-b'].map((host) => readdir(migrationsOf(host)).catch(() => [])))
      ).flat();
    try {
      await stream.more(5);
      let known = await knownMigrations();
      let before = await cmigJson<Application>('get', 'application', 'left');
      let command = startCmig('migrate', 'left', 'host-b');
      const isLost = async () =>
        (await stopBetweenPermitAndCommit(b, known)) && (await commitUnheard(a, b, known));
      while (!(await isLost())) {
        // It has moved like any other, or turned back; on a busy machine that may happen. Once more, from host-a.
        await command.ended;
        const isSettled = async () =>
          (await cmig('get', 'application', 'left', '--no-headers')).stdout.includes(' Running ');
        await waitFor(isSettled, { timeoutMs: 60_000, what: 'the end of the migration' });
        const { status } = await cmigJson<Application>('get', 'application', 'left');
        if (status.host !== 'host-a') await cmigOk('migrate', 'left', 'host-a');
        known = await knownMigrations();
        before = await cmigJson<Application>('get', 'application', 'left');
        command = startCmig('migrate', 'left', 'host-b');
      }
      // The question of the destination, of which the source hears nothing, is given up after 3 s.
      await lab('kill', 'host-b');
      await sleep(3200);
      process.kill(a, 'SIGCONT');
      command.kill('SIGKILL');
      await command.ended.catch(() => {});
      const id = (await newJournal('host-a', known))!.id;

      // The agent that stood still may first have to find its broker again.
      const found = async () => {
        const { exitCode, stdout } = await cmig('get', 'migration', id, '-o', 'json');
        return exitCode === 0 && (JSON.parse(stdout) as Migration);
      };
      const waiting = await waitFor(found, { timeoutMs: 60_000, what: 'the answer of host-a' });
      expect(waiting.status).toMatchObject({ role: 'source', state: 'permitted', journals: ['host-a'] });
      expect(waiting.status.awaits).toContain('host-b');
      expect(waiting.status.outcome).toBeUndefined();
      // It may still commit; and it is not the destination's copy that is kept for nothing.
      const resolve = (to: string, ...more: string[]) =>
        cmig('migration', 'resolve', id, '--to', to, ...more);
      const resolvableFrom = Date.parse(waiting.status.resolvableFrom!);
      const early = await resolve('source');
      // A machine so busy that it took all of these 20 s to come this far is not asked too early.
      if (Date.now() < resolvableFrom)
        expect(early).toMatchObject({
          exitCode: 4,
          stderr: expect.stringContaining('may still commit'),
        });
      expect(await resolve('destination')).toMatchObject({
        exitCode: 4,
        stderr: expect.stringContaining('--yes'),
      });
      await sleep(resolvableFrom - Date.now() + 100);
      expect(await resolve('source')).toMatchObject({ exitCode: 0 });

      // With its memory, and past the destination's epoch. What the destination's copy has sent is sent once more, so
      // that connections which it served have to be made again.
      stream.close();
      stream = await NumberedStream.open({ host: await addressOf('left'), port: 7000 });
      await stream.more(10);
      const { status } = await cmigJson<Application>('get', 'application', 'left');
      expect(status).toMatchObject({ host: 'host-a', phase: 'Running', epoch: waiting.spec.epoch + 1 });
      expect(status.containers[0]).toMatchObject({ pid: before.status.containers[0]!.pid, restarts: 0 });
      expect(await resolve('source')).toMatchObject({ exitCode: 4 });

      await lab('start', 'host-b');
      const aside = async () => (await onHost('host-b', 'ls', '/var/lib/cmig/set-aside')).trim();
      await waitFor(() => aside().then(Boolean, () => false), {
        timeoutMs: 60_000,
        what: 'the setting aside',
      });
      expect(await aside()).toMatch(new RegExp(`^left-epoch-${waiting.spec.epoch}-\\S+$`));
      await onHost('host-b', 'rm', '-r', '/var/lib/cmig/set-aside');
      expect((await onHost('host-b', 'runc', '--root', '/run/cmig/runc', 'list', '-q')).trim()).toBe('');
      await stream.more(10);
      const both = await cmigJson<Migration>('get', 'migration', id);
      expect(both.status).toMatchObject({
        outcome: 'rolled-back',
        resolved: { to: 'source' },
        journals: ['host-a', 'host-b'],
      });

      await cmigOk('migrate', 'left', 'host-b');
      await stream.more(10);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
      for (const pid of [a, b])
        try {
          process.kill(pid, 'SIGCONT');
        } catch {
          // it has ended
        }
    }
  }, 480_000);
});
