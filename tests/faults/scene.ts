// One migration under way, seen from outside: its two hosts, its command, what the hosts have written down of it.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventType } from '../../src/contract/events.ts';
import { spawnProcess } from '../../src/core/run-process.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { cmigProgram, settings } from '../e2e/settings.ts';
import { readJournal } from './survey.ts';

/** What is known of the migration at one moment. */
export interface Progress {
  source: string | undefined;
  destination: string | undefined;
  events: ReadonlySet<EventType>;
}

/** Events of all migrations, as they come, by migration. */
export type SeenEvents = ReadonlyMap<string, ReadonlySet<EventType>>;

const none: ReadonlySet<EventType> = new Set();
/** Longer than any of its own limits. */
const commandLimitMs = 150_000;

export interface CommandEnd {
  /** Undefined where it was killed. */
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

export class Scene {
  readonly lab: string;
  readonly from: string;
  readonly to: string;
  /** Processes on this machine, looked up beforehand so that no time is lost later. */
  readonly inits: ReadonlyMap<string, number>;
  readonly agents: ReadonlyMap<string, number>;
  readonly broker: number | undefined;
  readonly ended: Promise<CommandEnd>;
  /** The process of `cmig migrate`. */
  commandPid = 0;
  isOver = false;
  migration: string | undefined;
  readonly #known: ReadonlySet<string>;
  readonly #seen: SeenEvents;

  private constructor(fields: {
    lab: string;
    from: string;
    to: string;
    inits: ReadonlyMap<string, number>;
    agents: ReadonlyMap<string, number>;
    known: ReadonlySet<string>;
    seen: SeenEvents;
    application: string;
  }) {
    const { lab, from, to, inits, agents, known, seen, application } = fields;
    this.lab = lab;
    this.from = from;
    this.to = to;
    this.inits = inits;
    this.agents = agents;
    this.broker = inits.get('broker');
    this.#known = known;
    this.#seen = seen;
    this.ended = this.#migrate(application);
  }

  /** Starts `cmig migrate`. */
  static async begin(
    lab: string,
    application: string,
    [from, to]: readonly [string, string],
    seen: SeenEvents,
  ): Promise<Scene> {
    const inits = await runningMachines(lab);
    const agents = new Map<string, number>();
    for (const host of [from, to]) agents.set(host, (await findAgents(inits.get(host)!))[0]!);
    const known = new Set<string>();
    for (const host of [from, to]) for (const id of await readdir(journals(lab, host))) known.add(id);
    return new Scene({ lab, from, to, inits, agents, known, seen, application });
  }

  async progress(): Promise<Progress> {
    this.migration ??= await this.#find();
    if (!this.migration) return { source: undefined, destination: undefined, events: none };
    const [source, destination] = await Promise.all(
      [this.from, this.to].map((host) => readJournal(journals(this.lab, host), this.migration!)),
    );
    return {
      source: source?.state,
      destination: destination?.state,
      events: this.#seen.get(this.migration) ?? none,
    };
  }

  /** Resolves when it is as `isThere` says; false where the command ends first. */
  async until(isThere: (progress: Progress) => boolean): Promise<boolean> {
    while (!this.isOver) {
      if (isThere(await this.progress())) return true;
      await sleep(2);
    }
    return false;
  }

  /** Both agents and the command stand still, while criu, runc, rsync and the applications go on. */
  halt(): () => void {
    const pids = [...this.agents.values(), this.commandPid];
    for (const pid of pids) signal(pid, 'SIGSTOP');
    return () => {
      for (const pid of pids) signal(pid, 'SIGCONT');
    };
  }

  #migrate(application: string): Promise<CommandEnd> {
    const child = spawnProcess(cmigProgram, ['migrate', application, this.to, '-o', 'json'], {
      env: { CMIG_CONFIG: settings.config, NO_COLOR: '1' },
    });
    this.commandPid = child.pid;
    const limit = setTimeout(() => child.kill('SIGKILL'), commandLimitMs);
    const output = Promise.all([child.stdout, child.stderr].map(async (stream) => text(stream!)));
    return child.ended.then(async ({ exitCode }) => {
      this.isOver = true;
      clearTimeout(limit);
      const [stdout = '', stderr = ''] = await output;
      return { exitCode, stdout, stderr };
    });
  }

  async #find(): Promise<string | undefined> {
    for (const host of [this.to, this.from]) {
      const ids = await readdir(journals(this.lab, host));
      const id = ids.find((each) => !this.#known.has(each));
      if (id) return id;
    }
    return undefined;
  }
}

export const journals = (lab: string, host: string): string =>
  join(new LabPaths(lab).machine(host).data, 'migrations');

/** To a process that may have ended. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
