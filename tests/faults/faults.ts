// What can go wrong, each as it is done to a lab and mended again. Nothing in the product knows of it.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signalProcesses, waitForEnd } from '../../src/lab/end-processes.ts';
import { runInside } from '../../src/lab/inside.ts';
import { labBroker, labHeal, labKill, labPartition, labStart } from '../../src/lab/lab.ts';
import { findBroker } from '../../src/lab/lab-broker.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { processesWith } from '../../src/lab/process-table.ts';
import type { FaultStep } from './moments.ts';
import { type Scene, signal } from './scene.ts';
import { programOf } from './survey.ts';

export interface Fault {
  title: string;
  /** @returns false where there was nothing that it could hit; what it has hit where that is not clear from its title */
  inflict(scene: Scene): Promise<boolean | string>;
  heal?(scene: Scene): Promise<void>;
  /** The steps in which there is always something to hit, where that is not so in all. */
  hitsIn?: readonly FaultStep[];
  /** How long it lasts; `command`: until the command has ended, but no longer than `patienceMs`. */
  lastsMs: number | 'command';
  /** Takes longer than a step: the agents and the command stand still meanwhile. */
  slow?: true;
  /** What it hits is there for a part of a step only: it is waited for until the step is over. */
  awaitsTarget?: true;
  /** The host all of whose processes die. */
  powersOff?: 'from' | 'to';
  /**
   * Steps in which it takes from a container what nobody can give back. Then a container may have been started afresh, or
   * have lost connections; but nothing else may be wrong.
   */
  tearsIn?: readonly FaultStep[];
}

/** How long a fault lasts that waits for the command. */
export const patienceMs = 12_000;
/** Longer than the lease of the command. */
const cutMs = 12_000;

const whileFrozen: readonly FaultStep[] = ['freeze', 'transfer', 'restore', 'commit'];

const killAgent = (which: 'from' | 'to'): Fault => ({
  title: `${which === 'from' ? 'source' : 'destination'} agent killed`,
  async inflict(scene) {
    return signal(scene.agents.get(scene[which])!, 'SIGKILL');
  },
  heal: (scene) => labStart(scene[which], { name: scene.lab, agent: true }),
  lastsMs: 1000,
});

const powerLoss = (which: 'from' | 'to'): Fault => ({
  title: `${which === 'from' ? 'source' : 'destination'} loses its power`,
  async inflict(scene) {
    await labKill(scene[which], { name: scene.lab });
    return true;
  },
  heal: (scene) => labStart(scene[which], { name: scene.lab }),
  lastsMs: 1000,
  slow: true,
  powersOff: which,
});

const cut = (title: string, which: 'from' | 'to', peer: (scene: Scene) => string): Fault => ({
  title,
  async inflict(scene) {
    await labPartition(scene[which], { name: scene.lab, from: peer(scene) });
    return true;
  },
  heal: (scene) => labHeal(scene[which], { name: scene.lab }),
  lastsMs: cutMs,
  slow: true,
});

const hog = (scene: Scene, which: 'from' | 'to'): string =>
  join(new LabPaths(scene.lab).machine(scene[which]).data, 'hog');

const fullDisk = (which: 'from' | 'to'): Fault => ({
  title: `disk full at the ${which === 'from' ? 'source' : 'destination'}`,
  async inflict(scene) {
    await fill(hog(scene, which));
    return true;
  },
  heal: (scene) => rm(hog(scene, which), { force: true }),
  lastsMs: 'command',
  slow: true,
});

/** Only for a disk of its own: see set-up.mjs. */
export async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const size of [16 << 20, 1 << 20, 4096]) {
      const chunk = Buffer.alloc(size, 1);
      for (;;) {
        const { bytesWritten } = await file.write(chunk).catch((error) => {
          if (error.code === 'ENOSPC') return { bytesWritten: 0 };
          throw error;
        });
        if (bytesWritten < size) break;
      }
    }
  } finally {
    await file.close();
  }
}

/** Signals every process of these hosts that is such a program. @returns what it has signalled */
async function signalPrograms(
  scene: Scene,
  hosts: readonly string[],
  isSuch: (argv: readonly string[]) => boolean,
  name: NodeJS.Signals,
): Promise<string | false> {
  const hit: string[] = [];
  for (const host of hosts) {
    const those = (await processesWith(scene.inits.get(host)!)).filter(({ argv }) => isSuch(argv));
    const signalled = await signalProcesses(those, name);
    // A busy machine takes its time over a death, and who looks meanwhile finds it alive.
    if (name === 'SIGKILL') await waitForEnd(signalled);
    for (const { pid } of signalled) {
      const { argv } = those.find((each) => each.pid === pid)!;
      hit.push(`${host}: ${argv.join(' ').trim().slice(0, 40)}`);
    }
  }
  return hit.length > 0 && hit.join(', ');
}

/** At dumping or restoring; it is started for less as well. */
export const isCriuAtWork = (argv: readonly string[]): boolean =>
  programOf(argv) === 'criu' && /\b(dump|restore)\b/.test(argv.join(' '));

/** Those of one host, or of both, as it happens: where both have one, each of the three is a case of its own. */
const criu = (scene: Scene, name: NodeJS.Signals): Promise<string | false> => {
  const sides = [[scene.from, scene.to], [scene.from], [scene.to]];
  return signalPrograms(scene, sides[Math.floor(Math.random() * sides.length)]!, isCriuAtWork, name);
};

export const faults = {
  'source-agent': killAgent('from'),
  'destination-agent': killAgent('to'),
  orchestrator: {
    title: 'orchestrator killed',
    async inflict(scene) {
      return signal(scene.commandPid, 'SIGKILL');
    },
    lastsMs: 0,
  },
  'source-power': powerLoss('from'),
  'destination-power': powerLoss('to'),
  broker: {
    title: 'broker stopped and started',
    async inflict(scene) {
      const dying = await signalProcesses((await findBroker(scene.broker!)).map((pid) => ({ pid })));
      await waitForEnd(dying);
      return dying.length > 0;
    },
    heal: (scene) => labBroker('start', { name: scene.lab }),
    lastsMs: 500,
    slow: true,
  },
  'hosts-cut': cut('hosts cut from each other', 'from', ({ to }) => to),
  'destination-cut': cut('destination cut from the broker', 'to', () => 'broker'),
  'source-cut': cut('source cut from the broker', 'from', () => 'broker'),
  'destination-disk': fullDisk('to'),
  'source-disk': fullDisk('from'),
  'criu-killed': {
    title: 'criu killed',
    inflict: (scene) => criu(scene, 'SIGKILL'),
    hitsIn: whileFrozen,
    awaitsTarget: true,
    lastsMs: 0,
    slow: true,
    // A killed dump leaves sockets that fail and processes that run on at once. Of a restore that was being let go nobody
    // knows which of its processes have run already, so that it cannot be made again.
    tearsIn: ['freeze', 'finish'],
  },
  'criu-hung': {
    title: 'criu hung',
    inflict: (scene) => criu(scene, 'SIGSTOP'),
    hitsIn: whileFrozen,
    awaitsTarget: true,
    lastsMs: 0,
    slow: true,
  },
  'rsync-killed': {
    title: 'rsync killed',
    inflict: (scene) => signalPrograms(scene, [scene.from], (argv) => programOf(argv) === 'rsync', 'SIGKILL'),
    hitsIn: ['presync', 'transfer'],
    awaitsTarget: true,
    lastsMs: 0,
  },
  'ssh-refused': {
    title: 'SSH refused',
    inflict: (scene) => signalPrograms(scene, [scene.to], (argv) => programOf(argv) === 'sshd', 'SIGKILL'),
    async heal(scene) {
      await runInside(scene.inits.get(scene.to)!, [
        ...['/usr/sbin/sshd', '-f', '/etc/cmig/sshd_config', '-E', '/var/log/sshd.log'],
      ]);
    },
    lastsMs: 'command',
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as FaultName[];
