// What `cmig host add` and `cmig broker install` say of a machine, and of what they will change there.
import type { BrokerFacts } from '../orchestrator/joining/broker/broker-facts.ts';
import { type BrokerPlan, brokerSteps } from '../orchestrator/joining/broker/broker-plan.ts';
import type { HostFacts } from '../orchestrator/joining/host-facts.ts';
import { hostFolder } from '../orchestrator/joining/installed-files.ts';
import { type JoinPlan, joinSteps } from '../orchestrator/joining/join-plan.ts';
import { describeCpu, type MachineFacts } from '../orchestrator/joining/machine-facts.ts';
import { formatBytes, formatCount } from './formats.ts';

export const describeMachine = (facts: HostFacts): string[] => [
  system(facts),
  `cgroup v${facts.cgroupVersion}, ${init(facts)}, criu ${facts.criu ?? 'none'}, runc ${facts.runc ?? 'none'}, ${free(facts)}`,
];

export const describeBrokerMachine = (facts: BrokerFacts): string[] => [
  system(facts),
  `${init(facts)}, RabbitMQ ${facts.rabbitmq ?? 'none'}, ${free(facts)}`,
];

const system = (facts: MachineFacts): string =>
  `${facts.distribution.name}, kernel ${facts.kernel}, ${describeCpu(facts)}, ${formatCount(facts.cores, 'core')}, ${formatBytes(facts.memoryBytes)} of memory`;
const init = (facts: MachineFacts): string => (facts.init === 'systemd' ? 'systemd' : 'no systemd');
const free = ({ freeBytes }: MachineFacts): string => `${formatBytes(freeBytes['/var/lib'] ?? 0)} free`;

/** One line a step that changes something. */
export const describePlan = ({ manager, steps, toFetch }: JoinPlan): string[] => [
  ...(toFetch ? [`first, ${toFetch} is fetched to this machine, by npm`] : []),
  ...described(steps, joinSteps, manager),
];
export const describeBrokerPlan = ({ manager, steps }: BrokerPlan): string[] =>
  described(steps, brokerSteps, manager);

function described<S extends string>(
  steps: readonly { step: S; changes: string[] }[],
  titles: Record<S, string>,
  manager: string,
): string[] {
  const changing = steps.filter(({ changes }) => changes.length > 0);
  const width = Math.max(...changing.map(({ step }) => titles[step].length));
  return changing.map(
    ({ step, changes }) => `${`${titles[step]}:`.padEnd(width + 2)}${told(step, changes, manager)}`,
  );
}

const told = (step: string, changes: readonly string[], manager: string): string => {
  if (step === 'packages') return `by ${manager}: ${changes.join(', ')}`;
  if (step !== 'runtime') return changes.join(', ');
  return `in ${hostFolder}: ${changes.map((path) => path.slice(hostFolder.length + 1)).join(', ')}`;
};
