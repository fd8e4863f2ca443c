// Has hosts look at themselves, and adds what only another machine can see: whether they answer, and their clock.
import type { Finding } from '../contract/diagnosis.ts';
import type { Host } from '../contract/host.ts';
import { CmigError, codeOf } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import { clockOf, type HostClock } from './host-clock.ts';
import { findHost, readInventory } from './inventory.ts';

export interface Diagnosis {
  host: string;
  findings: Finding[];
}

/** With one slow disk or one peer that is silent; all checks have limits of their own. */
const patienceMs = 60_000;

/** Of the named hosts, or of all. @throws CmigError `not-found` with near names; `unreachable` without any agent */
export async function diagnoseHosts(
  context: OrchestratorContext,
  names: readonly string[],
): Promise<Diagnosis[]> {
  const inventory = await readInventory(context, { parts: ['hosts'] });
  const chosen = names.length > 0 ? names.map((name) => findHost(inventory, name)) : inventory.hosts;
  return await Promise.all(
    chosen.map(async (host) => ({ host: host.metadata.name, findings: await diagnose(context, host) })),
  );
}

async function diagnose(context: OrchestratorContext, host: Host): Promise<Finding[]> {
  const { name } = host.metadata;
  const { condition, message, protocolVersion } = host.status;
  if (condition === 'Incompatible') {
    const told = `the agent speaks another version of the protocol (${protocolVersion})`;
    return [
      { level: 'problem', check: 'agent', message: told, hint: 'install the version of this cmig there' },
    ];
  }
  try {
    if (condition !== 'Ready')
      throw new CmigError('unreachable', message ?? `the agent of ${name} does not answer`);
    const [clock, { findings }] = await Promise.all([
      clockOf(context, name),
      context.rpc.callLong(name, 'host.diagnose', {}, { timeoutMs: patienceMs }),
    ]);
    return [
      { level: 'ok', check: 'agent', message: `the agent of ${name} answers` },
      judgeClock(clock),
      ...findings,
    ];
  } catch (error) {
    if (!(error instanceof CmigError)) throw error;
    const silent = ['unreachable', 'timeout'].includes(codeOf(error));
    return [
      {
        level: 'problem',
        check: 'agent',
        message: error.message,
        ...(silent ? { command: 'systemctl restart cmig-agent' } : {}),
        hint: silent ? 'is the machine up, and does it reach the broker?' : (error.hint ?? ''),
      },
    ];
  }
}

const warnAboveMs = 1000;
const problemAboveMs = 60_000;

export function judgeClock(clock: HostClock | undefined): Finding {
  if (!clock) return { level: 'ok', check: 'clock', message: 'it does not tell the time' };
  const { aheadMs, uncertainMs } = clock;
  const offMs = Math.abs(aheadMs) - uncertainMs;
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const message = `its clock is ${(Math.abs(aheadMs) / 1000).toFixed(2)} s ${way} the one here`;
  if (!(offMs > warnAboveMs)) return { level: 'ok', check: 'clock', message };
  return {
    level: offMs > problemAboveMs ? 'problem' : 'warning',
    check: 'clock',
    message: `${message}: times in events and journals are not to be compared`,
    command: 'timedatectl set-ntp true',
    hint: 'or is it the clock here that is wrong?',
  };
}
