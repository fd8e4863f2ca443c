// What happens to a host while a checkpoint is taken, and in every state of a restore, on the same host and on another.
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { RestoreRecord, RestoreState } from '../../agent/checkpoints/restore-journal.ts';
import type { Application } from '../../src/contract/application.ts';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { labKill, labStart } from '../../src/lab/lab.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { processesWith } from '../../src/lab/process-table.ts';
import { cmigJson, cmigOk, hosts, startCmig, useLab } from '../e2e/lab.ts';
import { labName } from '../e2e/settings.ts';
import { application, containers, deployPair, program } from './application.ts';
import { fill, isCriuAtWork } from './faults.ts';
import { askInner, type Subject, settled } from './run-case.ts';
import { signal } from './scene.ts';

const states = ['preparing', 'ending', 'replacing', 'committed'] as const satisfies RestoreState[];
const faults = ['power', 'agent'] as const;
const places = ['the same host', 'another host'] as const;
/** A state that lasts for some milliseconds may have passed before it is seen. */
const triesAtMost = 8;
const deadlineMs = 60_000;

const dataOf = (host: string): string => new LabPaths(labName).machine(host).data;
const agentOf = async (host: string): Promise<number> =>
  (await findAgents((await runningMachines(labName)).get(host)!))[0]!;

async function journalOf(host: string): Promise<RestoreRecord | undefined> {
  const folder = join(dataOf(host), 'restores');
  const [id] = await readdir(folder).catch(() => []);
  const text = id && (await readFile(join(folder, id, 'journal.json'), 'utf8').catch(() => ''));
  return text ? (JSON.parse(text) as RestoreRecord) : undefined;
}

let subject: Subject;
/** Deploys the pair on the first host; its disk and that of the second are small ones of their own. */
async function begin(): Promise<void> {
  const address = await deployPair(hosts[0]);
  subject = {
    ...{ lab: labName, hosts: hosts.slice(0, 2), application, containers: [...containers], program },
    ...{ address, seen: new Map() },
  };
}

/** Where it runs, and what its memory remembers of itself. @throws where anything is not as it should be */
async function whole(): Promise<{ host: string; life: number }> {
  const { runsOn, problems } = await settled(subject, deadlineMs);
  expect(problems).toEqual([]);
  const { life, broken } = await askInner(subject);
  expect(broken).toBeNull();
  return { host: runsOn!, life };
}

async function inflict(fault: 'power' | 'agent', host: string): Promise<void> {
  if (fault === 'power') {
    await labKill(host, { name: labName });
    await labStart(host, { name: labName });
    return;
  }
  signal(await agentOf(host), 'SIGKILL');
  await labStart(host, { name: labName, agent: true });
}

/** Watches a command without a pause. @returns false where it ended before */
async function reached(
  command: { ended: Promise<unknown> },
  isThere: () => Promise<boolean>,
): Promise<boolean> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  void command.ended.then(over, over);
  while (!isOver) {
    if (await isThere()) return true;
    await sleep(1);
  }
  return false;
}

describe('whatever happens while a checkpoint is taken, the application goes on and no half of it is left', () => {
  useLab();
  beforeAll(begin, 120_000);

  /** What is there of it in each step. */
  const steps = { begun: '.', dumped: 'images/one/pages-1.img', captured: 'files' } as const;
  const cases = (['agent', 'criu', 'disk', 'power'] as const).flatMap((fault) =>
    (Object.keys(steps) as (keyof typeof steps)[])
      // There is no criu yet when it has just begun.
      .filter((step) => fault !== 'criu' || step !== 'begun')
      .map((step) => [fault, step] as const),
  );
  it.each(cases)(
    '%s, %s',
    async (fault, step) => {
      for (let tries = 1; ; tries += 1) {
        const before = await whole();
        const made = join(dataOf(before.host), 'checkpoints', application, '.new-hurt');
        const command = startCmig('checkpoint', application, '--name', 'hurt');
        const agent = await agentOf(before.host);
        const isThere = await reached(command, async () => existsSync(join(made, steps[step])));
        if (isThere) signal(agent, 'SIGSTOP');
        const hog = join(dataOf(before.host), 'hog');
        // criu is there for a part of it only, and whatever it is, it may have gone on until the agent stood still.
        const hit = isThere && existsSync(made) && (fault !== 'criu' || (await killCriu(before.host)));
        if (hit && fault === 'disk') await fill(hog);
        if (isThere) signal(agent, 'SIGCONT');
        if (hit && (fault === 'power' || fault === 'agent')) await inflict(fault, before.host);
        if (!hit || fault === 'disk' || fault === 'criu') await command.ended;
        await rm(hog, { force: true });
        const { runsOn, problems } = await settled(subject, deadlineMs);
        command.kill();
        await command.ended;
        expect({ runsOn, problems }).toEqual({ runsOn: before.host, problems: [] });
        const { status } = await cmigJson<Application>('get', 'application', application);
        expect(status.phase).toBe('Running');
        const { items } = await cmigJson<{ items: Checkpoint[] }>('get', 'checkpoints');
        if (items.length > 0) await cmigOk('delete', 'checkpoint', 'hurt');
        // A killed dump may leave sockets that nobody can mend; what has ended then is started afresh.
        if (hit && fault !== 'power' && fault !== 'criu') expect(await whole()).toEqual(before);
        if (hit && fault === 'criu') await makeWhole();
        if (hit) return;
        expect(tries).toBeLessThan(triesAtMost);
      }
    },
    300_000,
  );

  async function killCriu(host: string): Promise<boolean> {
    const processes = await processesWith((await runningMachines(labName)).get(host)!);
    const hit = processes.filter(({ argv }) => isCriuAtWork(argv)).map(({ pid }) => signal(pid, 'SIGKILL'));
    return hit.some(Boolean);
  }

  async function makeWhole(): Promise<void> {
    const { broken, connections } = await askInner(subject);
    if (!broken && connections === 1) return;
    await cmigOk('stop', application);
    await cmigOk('start', application);
  }
});

describe('whatever happens within a restore, what ran before or what was restored is there, and nothing else', () => {
  useLab();
  /** What the checkpoint's memory remembers of itself. */
  let lifeAtPoint: number;

  const mark = (word: string): Promise<string> =>
    cmigOk(
      'exec',
      application,
      '-c',
      'one',
      '--',
      'python3',
      '-c',
      `open("/data/mark","w").write("${word}")`,
    );
  const markOn = (host: string): Promise<string> =>
    readFile(join(dataOf(host), 'applications', application, 'volumes/data/mark'), 'utf8');
  const epoch = async (): Promise<number> =>
    (await cmigJson<Application>('get', 'application', application)).status.epoch;

  /** @returns the journal as it was when the agent stood still in this state; undefined where it came too late */
  async function stopWithin(
    state: RestoreState,
    host: string,
    command: { ended: Promise<unknown> },
  ): Promise<RestoreRecord | undefined> {
    const agent = await agentOf(host);
    if (!(await reached(command, async () => (await journalOf(host))?.state === state))) return undefined;
    signal(agent, 'SIGSTOP');
    const journal = await journalOf(host);
    if (journal?.state === state) return journal;
    signal(agent, 'SIGCONT');
    return undefined;
  }

  /** Checkpoints of what ran before would fill the disk. */
  async function discardKept(): Promise<void> {
    const { items } = await cmigJson<{ items: Checkpoint[] }>('get', 'checkpoints');
    const kept = items.map(({ metadata }) => metadata.name).filter((name) => name !== 'point');
    if (kept.length > 0) await cmigOk('delete', 'checkpoint', ...kept);
  }

  beforeAll(async () => {
    await begin();
    await mark('point');
    await cmigOk('checkpoint', application, '--name', 'point');
    lifeAtPoint = (await askInner(subject)).life;
  }, 120_000);

  const cases = places.flatMap((place) =>
    faults.flatMap((fault) => states.map((state) => [state, fault, place] as const)),
  );
  it.each(cases)(
    '%s × %s, on %s',
    async (state, fault, place) => {
      for (let tries = 1; ; tries += 1) {
        const before = await whole();
        const other = subject.hosts.find((each) => each !== before.host)!;
        const host = place === 'the same host' ? before.host : other;
        await discardKept();
        await mark('before');
        const command = startCmig('restore', application, '--checkpoint', 'point', '--host', host);
        const journal = await stopWithin(state, host, command);
        if (!journal) {
          await command.ended;
          expect(tries).toBeLessThan(triesAtMost);
          continue;
        }
        await inflict(fault, host);
        const after = await settled(subject, deadlineMs);
        command.kill();
        await command.ended;
        expect(after).toEqual({ runsOn: host, problems: [] });
        const isRestored = (await epoch()) === journal.after.epoch;
        // All of it is the one or the other; and of what was restored there is no way back.
        expect({ state, mark: await markOn(host) }).toEqual({ state, mark: isRestored ? 'point' : 'before' });
        expect(isRestored).toBe(state === 'committed');
        if (!isRestored) expect(await epoch()).toBe(journal.before!.application.epoch);
        // Its memory is lost only where it was in no file.
        const { life, broken } = await askInner(subject);
        const remembered = isRestored ? lifeAtPoint : before.life;
        const isLost = fault === 'power' && (state === 'preparing' || state === 'committed');
        if (!isLost) expect({ life, broken }).toEqual({ life: remembered, broken: null });
        return;
      }
    },
    300_000,
  );
});
