// One host of a running lab: power on with its link and its agent, and power loss.

import type { RpcClient } from '../broker/rpc-client.ts';
import { signalProcesses, waitForEnd } from './end-processes.ts';
import { findAgents, startAgent, waitForAgent } from './host-agent.ts';
import { removeCgroup, thawCgroup } from './host-cgroups.ts';
import { connectToLab } from './lab-access.ts';
import { applyShape, isShaped, readLinks } from './lab-links.ts';
import { removePort } from './lab-network.ts';
import { hostCgroup, type LabPlan } from './lab-plan.ts';
import { bootMachine, isBooted, runningMachines } from './machine.ts';
import { type OnProgress, reported } from './progress.ts';

/** Boots a host unless it runs already. @returns its init */
export async function ensureHost(
  plan: LabPlan,
  host: string,
  switchPid: number,
  onProgress: OnProgress,
): Promise<number> {
  const running = (await runningMachines(plan.name)).get(host);
  if (running !== undefined && isBooted(running)) {
    onProgress({ part: 'host', name: host, state: 'kept' });
    return running;
  }
  return reported(onProgress, 'host', host, async () => {
    if (running !== undefined) await powerOff(plan.name, host, running, switchPid);
    const init = await bootMachine(plan, host, switchPid);
    const link = (await readLinks(plan.name))[host] ?? {};
    if (isShaped(link)) await applyShape(switchPid, init, host, link);
    return init;
  });
}

/** Everything on the host dies at once; what is on its disk stays. */
export async function powerOff(
  lab: string,
  host: string,
  init: number,
  switchPid: number | undefined,
): Promise<void> {
  const dying = await signalProcesses([{ pid: init }]);
  await thawCgroup(hostCgroup(lab, host));
  await waitForEnd(dying);
  if (switchPid !== undefined) await removePort(switchPid, host);
  await removeCgroup(hostCgroup(lab, host));
}

/**
 * Starts the agent of a host unless it runs, and waits until it answers.
 * @param rpc undefined where it cannot answer, because the broker is down or the host is cut off
 */
export async function ensureAgent(
  plan: LabPlan,
  host: string,
  init: number,
  rpc: RpcClient | undefined,
  onProgress: OnProgress,
): Promise<void> {
  const answers = async (timeoutMs: number) =>
    rpc === undefined ||
    rpc.call(host, 'agent.describe', {}, { timeoutMs }).then(
      () => true,
      () => false,
    );
  const kept = (await findAgents(init)).length > 0;
  if (kept && (await answers(2000))) {
    onProgress({ part: 'agent', name: host, state: 'kept' });
    return;
  }
  await reported(onProgress, 'agent', host, async () => {
    if (!kept) await startAgent(plan.name, host, init);
    await waitForAgent(plan.name, host, init, () => answers(500));
  });
}

/** A connection to the lab's broker for as long as `work` takes. */
export async function withBroker<T>(plan: LabPlan, work: (rpc: RpcClient) => Promise<T>): Promise<T> {
  const { RpcClient } = await import('../broker/rpc-client.ts');
  const connection = await connectToLab(plan, `cmig lab ${plan.name}`);
  const rpc = new RpcClient(connection, { caller: `cmig lab (pid ${process.pid})` });
  try {
    return await work(rpc);
  } finally {
    await rpc.close();
    await connection.close();
  }
}
