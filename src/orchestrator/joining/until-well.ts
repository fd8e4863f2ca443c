// Waits for the agent of a host that was added, and asks it how it is.
import type { Finding } from '../../contract/diagnosis.ts';
import type { Host } from '../../contract/host.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import { waitFor } from '../../core/retry.ts';
import type { OrchestratorContext } from '../context.ts';
import { diagnoseHosts } from '../diagnosing.ts';

/** A small or busy machine takes its time to start the agent for the first time. */
const answerMs = 120_000;
/** Several announcements. */
const acquaintanceMs = 20_000;

/** Until the agent answers, and what it finds when it looks at itself. @throws CmigError `failed` with its problems */
export async function untilWell(
  context: OrchestratorContext,
  name: string,
  known: readonly Host[],
  signal: AbortSignal,
): Promise<Finding[]> {
  await waitFor(
    () =>
      context.rpc.call(name, 'agent.describe', {}, { timeoutMs: 2000 }).then(
        () => true,
        () => false,
      ),
    { timeoutMs: answerMs, intervalMs: 200, what: `an answer of the agent of ${name}`, signal },
  ).catch((cause) => {
    if (codeOf(cause) !== 'timeout') throw cause;
    throw new CmigError('unreachable', `the agent of ${name} does not answer through the broker`, {
      hint: 'does the machine reach the broker by the address in its configuration? If not: --broker URL. Does a broker with certificates know of it (cmig broker install again, or cmig broker definitions)? Its log: journalctl -u cmig-agent, or /var/log/cmig-agent.log',
    });
  });
  await untilAcquainted(context, name, known, signal);
  const findings = (await diagnosisOf(context, name, signal)).filter(({ level }) => level !== 'ok');
  const problems = findings.filter(({ level }) => level === 'problem');
  if (problems.length === 0) return findings;
  throw new CmigError('failed', `the host ${name} is not well`, {
    problems: problems.map(({ check, message, command, hint }) => ({
      where: check,
      message,
      ...(command || hint ? { hint: command ?? hint! } : {}),
    })),
    hint: `see: cmig host doctor ${name}`,
  });
}

/** What it finds. A slow machine has much to do just after the start, and may leave a question unanswered at first. */
async function diagnosisOf(
  context: OrchestratorContext,
  name: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  let findings: Finding[] = [];
  const answers = async (): Promise<boolean> => {
    findings = (await diagnoseHosts(context, [name]))[0]?.findings ?? [];
    return !findings.some(({ check, level }) => check === 'agent' && level === 'problem');
  };
  await waitFor(answers, {
    timeoutMs: answerMs,
    intervalMs: 1000,
    what: `a diagnosis of ${name}`,
    signal,
  }).catch((cause) => {
    if (codeOf(cause) !== 'timeout') throw cause;
  });
  return findings;
}

/** Until the hosts that answer have heard of it, and so let it in. Does not throw: they will hear of it in any case. */
async function untilAcquainted(
  { rpc }: OrchestratorContext,
  name: string,
  known: readonly Host[],
  signal: AbortSignal,
): Promise<void> {
  const others = known.filter(
    ({ metadata, status }) => metadata.name !== name && status.condition === 'Ready',
  );
  const hasHeard = async (other: string): Promise<boolean> => {
    const { hosts } = await rpc.call(other, 'host.list', {}, { timeoutMs: 2000 });
    return hosts.some((each) => each.name === name && !each.gone);
  };
  await Promise.all(
    others.map(({ metadata }) =>
      waitFor(() => hasHeard(metadata.name).catch(() => false), {
        timeoutMs: acquaintanceMs,
        intervalMs: 100,
        what: `${metadata.name} hearing of ${name}`,
        signal,
      }).catch(() => {}),
    ),
  );
}
