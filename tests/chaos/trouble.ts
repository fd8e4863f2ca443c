// What is broken beside the commands, and mended again: agents, hosts, their disks, links between sites, the broker.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalProcesses } from '../../src/lab/end-processes.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { labBroker, labHeal, labKill, labPartition, labStart } from '../../src/lab/lab.ts';
import { findSwitch, runInSwitch } from '../../src/lab/lab-network.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { brokerMachine, type LabPlan, machineAddress } from '../../src/lab/lab-plan.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { processesWith } from '../../src/lab/process-table.ts';
import { fill } from '../faults/faults.ts';
import { smallDisks } from '../faults/small-disks.ts';
import type { Random } from './random.ts';

export interface Trouble {
  title: string;
  /** The host on which everything dies: connections of what runs there break. */
  powersOff?: string;
  /** Breaks it and mends it. */
  run(): Promise<void>;
}

/** Another trouble may stand in the way of mending this one: that one ends, too. */
const mendLimitMs = 180_000;

async function untilMended(mends: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + mendLimitMs;
  for (;;) {
    try {
      await mends();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(500);
    }
  }
}

const weights = {
  agent: 4,
  pausedAgent: 3,
  pausedHost: 2,
  power: 2,
  disk: 2,
  sites: 2.5,
  oneWay: 3,
  fromBroker: 1.5,
  broker: 1,
} as const;

export function drawTrouble(random: Random, plan: LabPlan): Trouble {
  const { name, hosts, sites = [] } = plan;
  const beginsMs = random.integer(0, 4000);
  // Some of them outlast leases and the permit to commit.
  const lastsMs = random.chance(0.35) ? random.integer(6000, 30_000) : random.integer(300, 6000);
  const host = random.pick(hosts);
  const site = random.pick(sites);
  const otherSite = random.pick(sites.filter((each) => each !== site));
  const peer = random.pick([...hosts, brokerMachine].filter((each) => each !== host));
  const [sender, receiver] = random.chance(0.5) ? [host, peer] : [peer, host];
  const table = `cmig_chaos_${random.integer(0, 0xffffff)}`;
  const initOf = async () => (await runningMachines(name)).get(host);
  const titled = (
    title: string,
    breaks: () => Promise<unknown>,
    mends: () => Promise<unknown>,
    more: Partial<Trouble> = {},
  ): Trouble => ({
    title: `${title} after ${beginsMs} ms for ${lastsMs} ms`,
    ...more,
    async run() {
      await sleep(beginsMs);
      // What another trouble has broken already cannot be broken again.
      await breaks().catch(() => {});
      await sleep(lastsMs);
      await untilMended(mends);
    },
  });
  const paused = (title: string, which: (init: number) => Promise<number[]>): Trouble => {
    let stopped: Awaited<ReturnType<typeof signalProcesses>> = [];
    return titled(
      title,
      async () => {
        const init = await initOf();
        const pids = init === undefined ? [] : await which(init);
        stopped = await signalProcesses(
          pids.map((pid) => ({ pid })),
          'SIGSTOP',
        );
      },
      () => signalProcesses(stopped, 'SIGCONT'),
    );
  };
  switch (random.weighted(weights)) {
    case 'agent':
      return titled(
        `agent of ${host} killed`,
        async () => {
          const [pid] = await findAgents((await initOf())!);
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
        },
        () => labStart(host, { name, agent: true }),
      );
    case 'pausedAgent':
      return paused(`agent of ${host} paused`, findAgents);
    case 'pausedHost':
      // All but containers: a process that is restored while it is stopped is another one, and nobody would wake it.
      return paused(`all programs of ${host} paused`, async (init) =>
        (await processesWith(init)).map(({ pid }) => pid).filter((pid) => pid !== init),
      );
    case 'power':
      return titled(
        `${host} loses its power`,
        () => labKill(host, { name }),
        () => labStart(host, { name }),
        { powersOff: host },
      );
    case 'disk': {
      const small = random.pick(smallDisks);
      const hog = join(new LabPaths(name).machine(small).data, 'hog');
      return titled(
        `disk of ${small} full`,
        () => fill(hog),
        () => rm(hog, { force: true }),
      );
    }
    case 'sites':
      return titled(
        `${site} cut off from ${otherSite}`,
        () => labPartition(site, { name, from: otherSite }),
        () => labHeal(site, { name }),
      );
    case 'oneWay':
      return titled(
        `nothing of ${sender} comes to ${receiver}`,
        () =>
          inRouter(
            name,
            `table inet ${table} { chain forward { type filter hook forward priority -310;
              ip saddr ${machineAddress(plan, sender)} ip daddr ${machineAddress(plan, receiver)} drop } }`,
          ),
        () => inRouter(name, `table inet ${table}\ndelete table inet ${table}`),
      );
    case 'fromBroker':
      return titled(
        `${host} cut off from the broker`,
        () => labPartition(host, { name, from: brokerMachine }),
        () => labHeal(host, { name }),
      );
    case 'broker':
      return titled(
        'broker stopped',
        () => labBroker('stop', { name }),
        () => labBroker('start', { name }),
      );
  }
}

async function inRouter(lab: string, rules: string): Promise<void> {
  await runInSwitch((await findSwitch(lab))!, ['nft', '-f', '-'], [0], `${rules}\n`);
}
