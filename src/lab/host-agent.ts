// The agent on a host of a lab: started, found, killed, and waited for until it answers.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { projectFolder } from '../core/project-folder.ts';
import { waitFor } from '../core/retry.ts';
import { endOfLog } from './end-of-log.ts';
import { signalProcesses, waitForEnd } from './end-processes.ts';
import { startInside } from './inside.ts';
import { LabPaths } from './lab-paths.ts';
import { processesWith } from './process-table.ts';
import { watchStart } from './watch-start.ts';

const configurationFile = '/etc/cmig/agent.yaml';
const startLimitMs = 60_000;

/** The process ids, on this machine, of the agents that run on a host: one, or none. */
export async function findAgents(init: number): Promise<number[]> {
  const processes = await processesWith(init);
  const isAgent = (argv: string[]) =>
    argv.includes(configurationFile) && argv.some((word) => /\/cmig-agent(\.mjs)?$/.test(word));
  return processes.filter(({ argv }) => isAgent(argv)).map(({ pid }) => pid);
}

/** Starts the agent as a child of the host's init, so that nothing of it remains outside the host. */
export async function startAgent(lab: string, host: string, init: number): Promise<void> {
  const program = join(projectFolder(), 'bin', 'cmig-agent');
  const built = join(projectFolder(), 'dist', 'cmig-agent.mjs');
  if (!existsSync(program) || !existsSync(built)) {
    throw new CmigError(
      'unsupported',
      `the agent is not built: there is no ${existsSync(program) ? built : program}`,
      {
        hint: `run ${join(projectFolder(), 'scripts', 'setup.sh')}`,
      },
    );
  }
  await startInside(lab, host, init, [program, '--config', configurationFile], {
    log: new LabPaths(lab).machine(host).agentLog,
  });
}

export async function killAgent(init: number): Promise<void> {
  await waitForEnd(await signalProcesses((await findAgents(init)).map((pid) => ({ pid }))));
}

/**
 * Waits until the agent answers.
 * @param answers asks the agent once
 * @throws CmigError `failed` with the end of the agent's log where it has ended or never answers
 */
export async function waitForAgent(
  lab: string,
  host: string,
  init: number,
  answers: () => Promise<boolean>,
): Promise<void> {
  const hasEnded = watchStart(() => findAgents(init));
  await waitFor(
    async () => {
      if (await answers()) return true;
      if (await hasEnded()) throw await agentFailure(lab, host, 'ended as soon as it was started');
      return false;
    },
    { timeoutMs: startLimitMs, intervalMs: 50, what: `the start of the agent of ${host}` },
  ).catch(async (error) => {
    if (!(error instanceof CmigError) || error.code !== 'timeout') throw error;
    throw await agentFailure(lab, host, `did not answer within ${startLimitMs / 1000} s`, error);
  });
}

async function agentFailure(lab: string, host: string, what: string, cause?: unknown): Promise<CmigError> {
  const log = new LabPaths(lab).machine(host).agentLog;
  return new CmigError('failed', `the agent of ${host} ${what}${await endOfLog(log)}`, {
    host,
    hint: `its log is ${log}`,
    cause,
  });
}
