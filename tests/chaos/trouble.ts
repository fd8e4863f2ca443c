// What is broken beside the commands, and mended again: agents, links between sites, the broker.
import { setTimeout as sleep } from 'node:timers/promises';
import { findAgents } from '../../src/lab/host-agent.ts';
import { labBroker, labHeal, labPartition, labStart } from '../../src/lab/lab.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import type { Random } from './random.ts';

export interface Trouble {
  title: string;
  /** Breaks it and mends it. */
  run(): Promise<void>;
}

export function drawTrouble(
  random: Random,
  name: string,
  hosts: readonly string[],
  sites: readonly string[],
): Trouble {
  const beginsMs = random.integer(0, 4000);
  const lastsMs = random.integer(300, 6000);
  const host = random.pick(hosts);
  const site = random.pick(sites);
  const other = random.pick(sites.filter((each) => each !== site));
  const titled = (title: string, breaks: () => Promise<unknown>, mends: () => Promise<unknown>): Trouble => ({
    title: `${title} after ${beginsMs} ms for ${lastsMs} ms`,
    async run() {
      await sleep(beginsMs);
      await breaks();
      await sleep(lastsMs);
      await mends();
    },
  });
  switch (random.weighted({ agent: 5, sites: 3, broker: 1, fromBroker: 1.5 })) {
    case 'agent':
      return titled(
        `agent of ${host} killed`,
        async () => {
          const [pid] = await findAgents((await runningMachines(name)).get(host)!);
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
        },
        () => labStart(host, { name, agent: true }),
      );
    case 'sites':
      return titled(
        `${site} cut off from ${other}`,
        () => labPartition(site, { name, from: other }),
        () => labHeal(site, { name }),
      );
    case 'fromBroker':
      return titled(
        `${host} cut off from the broker`,
        () => labPartition(host, { name, from: 'broker' }),
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
