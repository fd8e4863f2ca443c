// One cell of the matrix: a migration, a fault within one of its steps, and what came of it.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/core/retry.ts';
import { cmig } from '../e2e/lab.ts';
import { NumberedStream } from '../e2e/numbered-stream.ts';
import { type Fault, type FaultName, faults, patienceMs } from './faults.ts';
import { type FaultStep, moments } from './moments.ts';
import { type CommandEnd, Scene, type SeenEvents } from './scene.ts';
import { surveyHost } from './survey.ts';
import { judge, type Verdict } from './verdict.ts';

export interface Subject {
  lab: string;
  hosts: readonly string[];
  application: string;
  containers: readonly string[];
  program: string;
  address: string;
  seen: SeenEvents;
}

export interface CaseResult {
  step: FaultStep;
  fault: FaultName;
  /** `missed`: the fault came too late every time. `nothing`: there was nothing in this step that it could hit. */
  outcome: 'committed' | 'rolled-back' | 'missed' | 'nothing';
  problems: string[];
  /** What was not contiguous. */
  breaks: string[];
  /** What the command said, and its exit code; none where it was killed. */
  told: string;
  /** From the healing to a clean end. */
  settledMs: number;
  /** The longest time between two numbers, as the client outside saw it. */
  gapMs: number;
  delayMs: number;
  /** How often it was tried to hit the step. */
  tries: number;
  /** What exactly the fault has hit, where it says so. */
  hit?: string;
}

/** From the healed fault to a clean end. */
const deadlineMs = 60_000;
/** Where the machine is busy, a moment of some milliseconds may well pass before it is seen. */
const triesAtMost = 16;

interface Inner {
  life: number;
  last: number;
  connections: number;
  broken: string | null;
}

/** @param random from 0 to 1: when within the step the fault comes */
export async function runCase(
  subject: Subject,
  step: FaultStep,
  name: FaultName,
  random: number,
): Promise<CaseResult> {
  for (let tries = 1; ; tries += 1) {
    // What was missed is tried again earlier in the step.
    const result = { ...(await tryCase(subject, step, name, random / tries ** 2)), tries };
    if (result.outcome !== 'missed' || result.problems.length > 0 || tries >= triesAtMost) return result;
  }
}

export const nothingYet = (step: FaultStep, fault: FaultName): CaseResult => ({
  ...{ step, fault, outcome: 'missed', problems: [], breaks: [], told: '' },
  ...{ settledMs: 0, gapMs: 0, delayMs: 0, tries: 1 },
});

async function tryCase(
  subject: Subject,
  step: FaultStep,
  name: FaultName,
  random: number,
): Promise<CaseResult> {
  const fault: Fault = faults[name];
  const moment = moments[step];
  const { runsOn: from, problems } = await settled(subject, deadlineMs);
  if (!from || problems.length > 0) throw new Error(`no case can begin:\n${problems.join('\n')}`);
  const to = subject.hosts.find((host) => host !== from)!;
  const stream = await NumberedStream.open({ host: subject.address, port: 7000 });
  await stream.more(3);
  // It may have only just begun.
  const isTalking = async () => {
    const inner = await askInner(subject);
    return inner.connections > 0 && inner;
  };
  const before = await waitFor(isTalking, { timeoutMs: 60_000, what: 'the two containers talking' });
  stream.resetGap();
  const result: CaseResult = {
    ...nothingYet(step, name),
    delayMs: Math.round(random * moment.spreadMs),
  };
  try {
    const scene = await Scene.begin(subject.lab, subject.application, [from, to], subject.seen);
    const inflicted = await inflictWithin(scene, step, fault, result.delayMs);
    if (inflicted === 'missed' || inflicted === 'nothing') {
      const { exitCode } = await scene.ended;
      if (exitCode !== 0) result.problems.push(`without a fault the command ended with ${exitCode}`);
      result.outcome = (fault.hitsIn?.includes(step) ?? true) ? 'missed' : inflicted;
      result.problems.push(...(await settled(subject, deadlineMs)).problems);
      return result;
    }
    if (typeof inflicted.hit === 'string') result.hit = inflicted.hit;
    await last(scene, fault);
    await fault.heal?.(scene);
    const healedAt = performance.now();
    const verdict = await settled(subject, deadlineMs);
    result.settledMs = Math.round(performance.now() - healedAt);
    result.problems.push(...verdict.problems);
    const end = await Promise.race([scene.ended, pause(deadlineMs)]);
    result.outcome = verdict.runsOn === to ? 'committed' : 'rolled-back';
    result.told = end ? tell(end) : 'nothing yet';
    if (name !== 'orchestrator')
      result.problems.push(...(end ? untruths(end, result.outcome) : ['the command does not end']));
    const died = fault.powersOff && scene[fault.powersOff];
    if (result.problems.length === 0) {
      result.breaks = await continuity(subject, stream, before);
      const mayBreak = died === verdict.runsOn || fault.tearsIn?.includes(step);
      if (!mayBreak) result.problems.push(...result.breaks);
    }
    result.gapMs = Math.round(stream.longestGapMs);
    if (result.problems.length === 0)
      result.problems.push(...(await migrateOnce(subject, verdict.runsOn === to ? from : to)));
    return result;
  } finally {
    stream.close();
  }
}

async function inflictWithin(
  scene: Scene,
  step: FaultStep,
  fault: Fault,
  delayMs: number,
): Promise<{ hit: boolean | string } | 'missed' | 'nothing'> {
  const { isWithin } = moments[step];
  if (!(await scene.until(isWithin))) return 'missed';
  if (delayMs > 0) await sleep(delayMs);
  for (let hasLooked = false; ; hasLooked = true) {
    const goOn = fault.slow ? scene.halt() : () => {};
    try {
      if (!isWithin(await scene.progress())) return hasLooked ? 'nothing' : 'missed';
      const hit = await fault.inflict(scene);
      if (hit) return { hit };
      if (!fault.awaitsTarget) return 'nothing';
    } finally {
      goOn();
    }
    await sleep(2);
  }
}

/** Keeps no process from ending. */
const pause = (milliseconds: number): Promise<void> => sleep(milliseconds, undefined, { ref: false });

/** Lets the fault last as long as it shall. */
async function last(scene: Scene, { lastsMs }: Fault): Promise<void> {
  if (lastsMs === 'command') await Promise.race([scene.ended, pause(patienceMs)]);
  else await sleep(lastsMs);
}

async function survey(subject: Subject): Promise<Verdict> {
  const surveys = await Promise.all(subject.hosts.map((host) => surveyHost(subject.lab, host)));
  const off = subject.hosts.filter((_, index) => !surveys[index]);
  const verdict = judge(
    surveys.filter((each) => each !== undefined),
    subject,
  );
  return { ...verdict, problems: [...verdict.problems, ...off.map((host) => `${host} is off`)] };
}

/** The first verdict without a problem, or the last one before the deadline. */
export async function settled(subject: Subject, timeoutMs: number): Promise<Verdict> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const verdict = await survey(subject);
    if (verdict.problems.length === 0 || performance.now() > end) return verdict;
    await sleep(250);
  }
}

const tell = ({ exitCode, stdout, stderr }: CommandEnd): string => {
  const report = readReport(stdout);
  const said = report ? `${report.outcome}: ${report.error?.message ?? ''}` : stderr.trim().split('\n')[0];
  return `${exitCode} ${said}`.trim();
};

function readReport(stdout: string): { outcome?: string; error?: { message?: string } } | undefined {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** What the command told that is not so. */
function untruths(end: CommandEnd, truth: 'committed' | 'rolled-back'): string[] {
  const report = readReport(end.stdout);
  const expected = truth === 'committed' ? 0 : 6;
  if (end.exitCode === expected && report?.outcome === truth) return [];
  return [`it was ${truth}, and the command said: ${tell(end)}`];
}

async function continuity(subject: Subject, stream: NumberedStream, before: Inner): Promise<string[]> {
  try {
    // Nobody would tell the stream where its server's host has lost its power.
    if ((await askInner(subject)).life !== before.life) return ['the application was started anew'];
    await stream.more(10);
    const now = await askInner(subject);
    const problems = [...stream.problems];
    if (now.broken) problems.push(`inside: ${now.broken}`);
    if (now.connections !== before.connections) problems.push('inside: it connected again');
    if (now.last <= before.last) problems.push(`inside: stuck at ${now.last}`);
    return problems;
  } catch (error) {
    return [String(error), ...stream.problems];
  }
}

async function migrateOnce(subject: Subject, to: string): Promise<string[]> {
  const { exitCode, stdout, stderr } = await cmig('migrate', subject.application, to, '-o', 'json');
  if (exitCode !== 0) return [`the next migration ended with ${exitCode}: ${stderr}${stdout}`];
  const { runsOn, problems } = await settled(subject, deadlineMs);
  if (runsOn !== to) problems.push(`the next migration brought it to ${runsOn}`);
  return problems.map((each) => `after the next migration: ${each}`);
}

export async function askInner({ address }: Subject): Promise<Inner> {
  let text = '';
  const socket = connect({ host: address, port: 7001 });
  socket.setTimeout(15_000, () => socket.destroy(new Error('the application does not answer')));
  for await (const chunk of socket) text += chunk;
  return JSON.parse(text) as Inner;
}
