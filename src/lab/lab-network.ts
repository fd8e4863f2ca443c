// The network of a lab: a switch in a network namespace of its own, to which all machines and, by the uplink, this
// machine are attached. In a namespace of its own, because a firewall on this machine (Docker's, say) would otherwise
// filter what is bridged, and because everything in it goes when its one process ends.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import { runProcess, spawnProcess } from '../core/run-process.ts';
import { signalProcesses, waitForEnd } from './end-processes.ts';
import { systemPath } from './inside.ts';
import { LabPaths } from './lab-paths.ts';
import { gatewayAddress, type LabPlan, labRange, linkAlias, routerAddress, uplinkName } from './lab-plan.ts';
import { siteCommands } from './lab-sites.ts';
import { asWords, findLabProcesses, marks, readLabProcess, readStartTime } from './process-table.ts';

const switchName = 'switch';
/** Everything of the lab that is not a port of the switch's for a machine. */
export const uplinkPort = 'uplink';

interface Link {
  ifname: string;
  ifalias?: string;
}

/** The process that holds the switch's namespace; undefined where the network is not complete. */
export async function findSwitch(lab: string): Promise<number | undefined> {
  const ready = await readFile(new LabPaths(lab).networkReady, 'utf8').catch(() => '');
  const [pid, startTime] = ready.trim().split(' ');
  if (!pid || !startTime || (await readStartTime(Number(pid))) !== startTime) return undefined;
  const holder = await readLabProcess(Number(pid));
  if (!(await allLinks()).some((link) => link.ifalias === linkAlias(lab))) return undefined;
  return holder?.lab === lab && holder.machine === switchName ? holder.pid : undefined;
}

/** Makes the switch and the uplink anew. The lab's machines must not run. */
export async function createNetwork(plan: LabPlan): Promise<number> {
  const paths = new LabPaths(plan.name);
  await removeNetwork(plan.name);
  const holder = spawnProcess(
    '/usr/bin/env',
    [
      '-i',
      `PATH=${systemPath}`,
      ...asWords(marks(plan.name, switchName)),
      'unshare',
      '--net',
      'sleep',
      'infinity',
    ],
    { cwd: '/', env: marks(plan.name, switchName), detached: true, stdio: ['ignore', 'ignore', 'ignore'] },
  );
  await waitFor(
    async () =>
      (await readFile(`/proc/${holder.pid}/cmdline`, 'latin1').catch(() => '')).startsWith('sleep\0'),
    { timeoutMs: 30_000, intervalMs: 5, what: 'the start of the network' },
  );
  const uplink = uplinkName(plan.octet);
  await inSwitch(holder.pid, [
    'link set dev lo up',
    'link add dev lab type bridge mcast_snooping 0',
    'link set dev lab addrgenmode none',
    'link set dev lab up',
    ...siteCommands(plan),
  ]);
  if (plan.sites) await runInSwitch(holder.pid, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await ipBatch([
    `link add dev ${uplink} type veth peer name ${uplinkPort} netns ${holder.pid}`,
    `link set dev ${uplink} addrgenmode none alias ${linkAlias(plan.name)}`,
    `link set dev ${uplink} up`,
    `addr add ${gatewayAddress(plan)}/${plan.sites ? 24 : 16} dev ${uplink}`,
    ...(plan.sites ? [`route add ${labRange(plan)} via ${routerAddress(plan)} dev ${uplink}`] : []),
  ]).catch((cause) => {
    throw new CmigError('failed', `the network ${labRange(plan)} of the lab cannot be made`, {
      hint: `take the lab down and up again, so that it chooses another range`,
      cause,
    });
  });
  await inSwitch(holder.pid, [`link set dev ${uplinkPort} master lab up`]);
  await writeFile(paths.networkReady, `${holder.pid} ${await readStartTime(holder.pid)}\n`);
  return holder.pid;
}

/** Removes switch and uplink, also when the lab's folder is lost. */
export async function removeNetwork(lab: string): Promise<void> {
  const processes = await findLabProcesses(lab);
  await waitForEnd(await signalProcesses(processes.filter((each) => each.machine === switchName)));
  const links = await allLinks();
  for (const { ifname } of links.filter((link) => link.ifalias === linkAlias(lab))) {
    // It goes with its other end, but not at once.
    await runProcess('ip', ['link', 'del', 'dev', ifname], { allowedExitCodes: [0, 1] });
  }
  await rm(new LabPaths(lab).networkReady, { force: true });
}

export async function allLinks(): Promise<Link[]> {
  return JSON.parse((await runProcess('ip', ['-json', 'link', 'show'])).stdout || '[]');
}

/** Takes the port of a machine away. Its other end may already be gone with the machine. */
export async function removePort(switchPid: number, machine: string): Promise<void> {
  await runInSwitch(switchPid, ['ip', 'link', 'del', 'dev', machine], [0, 1]);
}

export function runInSwitch(
  switchPid: number,
  argv: readonly string[],
  allowedExitCodes = [0],
  input?: string,
) {
  return runProcess('nsenter', [`--net=/proc/${switchPid}/ns/net`, '--', ...argv], {
    allowedExitCodes,
    ...(input === undefined ? {} : { input }),
  });
}

const inSwitch = (switchPid: number, lines: string[]) =>
  runInSwitch(switchPid, ['ip', '-batch', '-'], [0], `${lines.join('\n')}\n`);

const ipBatch = (lines: string[]) => runProcess('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
