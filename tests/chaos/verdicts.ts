// What the commands of a round said, judged by what the design allows; and what there is of checkpoints and cordons afterwards.
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import { exitCodeMeanings } from '../../src/core/exit-codes.ts';
import type { Ended } from './commands.ts';
import type { World } from './draw.ts';
import { hasSchedule, keptBySchedule } from './manifests.ts';
import { type Deed, expectedCodes, type State, statesAfter, tellState } from './model.ts';

const stackLike =
  /^\s+at \S+.*[(:]\d+:\d+\)?$|\b(TypeError|ReferenceError|RangeError|SyntaxError)\b|\bundefined\b|\[object |\bNaN\b|internal error/m;

/** Exit codes of the table, and messages that somebody wrote. */
export function outputProblems(
  { command, exitCode, stdout, stderr, cut }: Ended,
  operator: string,
): string[] {
  const told = command.args.join(' ');
  const problems: string[] = [];
  if (exitCode === undefined && command.cutBy === undefined) problems.push(`${told} did not end`);
  if (exitCode !== undefined && (!(exitCode in exitCodeMeanings) || exitCode === 2))
    problems.push(`${told} ended with ${exitCode}: ${stderr}`);
  if (stackLike.test(stderr)) problems.push(`${told} said: ${stderr}`);
  // With -o json the report of a migration that was rolled back says why.
  const said = command.args.includes('json') ? stdout + stderr : stderr;
  if (exitCode !== 0 && exitCode !== undefined && said.trim() === '' && !command.moves)
    problems.push(`${told} ended with ${exitCode}, and said nothing`);
  if (exitCode === 130 && !cut) problems.push(`${told} ended with 130, and nobody has cancelled it`);
  if (command.args.includes('prune') && exitCode === 1) problems.push(`${told} failed: ${stderr}`);
  const oversteps = command.context === operator && command.args[0] === 'cordon';
  if (oversteps && ![9, 8].includes(exitCode ?? 9))
    problems.push(`${told} of an operator ended with ${exitCode}`);
  return problems;
}

/** A command beside which nothing else went on with its application ends as the state says. */
export function codeProblems(
  ended: readonly Ended[],
  deeds: ReadonlyMap<string, Deed[]>,
  world: World,
): string[] {
  const problems: string[] = [];
  const cordons = ended.filter(({ command }) => command.cordons || command.uncordons);
  if (cordons.length > 0) return [];
  for (const [name, list] of deeds) {
    let states: readonly State[] = [world.applications.get(name)?.state];
    for (const deed of list) {
      const lingered = ended.some(
        ({ command, startedAt }) =>
          command.lingers && command.application === name && startedAt < deed.startedAt,
      );
      // Two at work on one application are kept apart, and who deletes a checkpoint of it is at work on it as well.
      const others = [
        ...list.filter((other) => other !== deed),
        ...ended.filter(({ command }) => command.holds === name),
      ];
      const meets = others.some((other) => other.startedAt < deed.endedAt && deed.startedAt < other.endedAt);
      if (meets || lingered || deed.cut) break;
      const gone =
        deed.kind === 'restore' && ended.some(({ command }) => command.args.includes('checkpoint'));
      const allowed = states.flatMap((state) => expectedCodes(deed, state, world.cordoned));
      // Its own host may be at work on it, for a checkpoint, and has removed the one that is asked for.
      if (hasSchedule(name)) allowed.push(4, ...(deed.kind === 'restore' ? [3] : []));
      if (!gone && !allowed.includes(deed.exitCode!))
        problems.push(
          `${deed.kind} of ${name} (${states.map(tellState)}) ended with ${deed.exitCode} and not ${allowed}: ${deed.text}`,
        );
      states = statesAfter(states, [deed], false);
    }
  }
  return problems;
}

/** One that was taken is there, one that was deleted is not; one that was there before and not deleted is. */
export function checkpointProblems(
  checkpoints: readonly Checkpoint[],
  ended: readonly Ended[],
  world: World,
): string[] {
  const there = new Set(checkpoints.map(({ metadata }) => metadata.name));
  const problems: string[] = [];
  const deletions = ended.filter(({ command }) => command.args.slice(0, 2).join() === 'delete,checkpoint');
  const deleted = (id: string) => deletions.filter(({ command }) => command.args[2] === id);
  for (const { command, exitCode } of ended) {
    const { deed } = command;
    if (deed?.kind === 'checkpoint' && exitCode === 0 && !there.has(deed.checkpoint!))
      problems.push(`${deed.checkpoint} was taken, and is not there`);
  }
  for (const [id, { scheduled }] of world.checkpoints)
    if (!there.has(id) && !scheduled && deleted(id).length === 0)
      problems.push(`${id} is gone, and nobody has deleted it`);
  const kept = new Map<string, number>();
  for (const { spec, status } of checkpoints) {
    if (spec.reason !== 'schedule') continue;
    const key = `${spec.application} on ${status.host}`;
    kept.set(key, (kept.get(key) ?? 0) + 1);
  }
  for (const [key, count] of kept)
    if (count > keptBySchedule) problems.push(`${count} checkpoints of the schedule of ${key} are kept`);
  const arrives = (id: string) =>
    ended.some(({ command }) => command.deed?.kind === 'restore' && command.deed.checkpoint === id);
  for (const { command, exitCode } of deletions)
    if (exitCode === 0 && there.has(command.args[2]!) && !arrives(command.args[2]!))
      problems.push(`${command.args[2]} was deleted, and is there`);
  return problems;
}

/** A host is cordoned where the only command about that has said so. */
export function cordonProblems(
  hosts: readonly string[],
  cordoned: ReadonlySet<string>,
  ended: readonly Ended[],
  world: World,
): string[] {
  return hosts.flatMap((host) => {
    const about = ended.filter(({ command }) => command.cordons === host || command.uncordons === host);
    const is = cordoned.has(host);
    const was = world.cordoned.has(host);
    if (about.length === 0 && is !== was) return [`${host} is ${is ? '' : 'not '}cordoned, by nobody`];
    const [only, second] = about;
    if (!only || second || only.exitCode !== 0) return [];
    const wanted = only.command.cordons === host;
    return is === wanted
      ? []
      : [`${host} is ${is ? '' : 'not '}cordoned after ${only.command.args.join(' ')}`];
  });
}
