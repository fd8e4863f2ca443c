// What `cmig host add` says of a machine, and of what it will change there.
import { describeCpu, type HostFacts } from '../orchestrator/joining/host-facts.ts';
import { hostFolder } from '../orchestrator/joining/installed-files.ts';
import { type JoinPlan, type JoinStep, joinSteps } from '../orchestrator/joining/join-plan.ts';
import { formatBytes, formatCount } from './formats.ts';

export function describeMachine(facts: HostFacts): string[] {
  const { distribution, kernel, cores, memoryBytes, cgroupVersion, init, criu, runc } = facts;
  const free = facts.freeBytes['/var/lib'] ?? 0;
  return [
    `${distribution.name}, kernel ${kernel}, ${describeCpu(facts)}, ${formatCount(cores, 'core')}, ${formatBytes(memoryBytes)} of memory`,
    `cgroup v${cgroupVersion}, ${init === 'systemd' ? 'systemd' : 'no systemd'}, criu ${criu ?? 'none'}, runc ${runc ?? 'none'}, ${formatBytes(free)} free`,
  ];
}

/** One line a step that changes something. */
export function describePlan({ manager, steps }: JoinPlan): string[] {
  const changing = steps.filter(({ changes }) => changes.length > 0);
  const width = Math.max(...changing.map(({ step }) => joinSteps[step].length));
  return changing.map(
    ({ step, changes }) => `${`${joinSteps[step]}:`.padEnd(width + 2)}${told(step, changes, manager)}`,
  );
}

const told = (step: JoinStep, changes: readonly string[], manager: string): string => {
  if (step === 'packages') return `by ${manager}: ${changes.join(', ')}`;
  if (step !== 'runtime') return changes.join(', ');
  return `in ${hostFolder}: ${changes.map((path) => path.slice(hostFolder.length + 1)).join(', ')}`;
};
