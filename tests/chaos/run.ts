// A run: rounds of commands by several operators at once, beside what is broken meanwhile; after each, all must be as it may be.
import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProcess } from '../../src/core/run-process.ts';
import { certificateFiles, labOperator } from '../../src/lab/lab-access.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { brokerUrl, type LabPlan, machineAddress } from '../../src/lab/lab-plan.ts';
import { readPlan } from '../../src/lab/lab-state.ts';
import { deedsOf, type Ended, runCommand, type Setting } from './commands.ts';
import { Draw, type World } from './draw.ts';
import { Manifests } from './manifests.ts';
import { type Deed, statesAfter, tellState } from './model.ts';
import { lookAround } from './quiet-point.ts';
import { Random } from './random.ts';
import { Streams } from './streams.ts';
import { drawTrouble, type Trouble } from './trouble.ts';
import { codeProblems, outputProblems } from './verdicts.ts';

export interface RunOptions {
  lab: string;
  program: string;
  config: string;
  images: string;
  /** Where all of it is written down. */
  folder: string;
  seed: number;
  /** How many commands. */
  commands: number;
  /** Begins no further round after so long. */
  limitMs: number;
  /** How often something is broken in a round. */
  troubleShare: number;
}

const names = ['c1', 'c2', 'c3', 'c4', 'c5'];
/** From the last end on until all is as it should be: longer than all leases. */
const settleLimitMs = 90_000;

export class Violation extends Error {}

export class ChaosRun {
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #setting: Setting;
  readonly #plan: LabPlan;
  readonly #draw: Draw;
  readonly #streams: Streams;
  readonly #hosts: { name: string; address: string }[];
  #world: World = { applications: new Map(), checkpoints: new Map(), cordoned: new Set() };
  readonly counts = {
    commands: 0,
    rounds: 0,
    streams: 0,
    troubles: 0,
    cut: 0,
    codes: {} as Record<string, number>,
  };

  constructor(options: RunOptions, plan: LabPlan) {
    this.#options = options;
    this.#plan = plan;
    this.#random = new Random(options.seed);
    this.#hosts = plan.hosts.map((name) => ({ name, address: machineAddress(plan, name) }));
    this.#streams = new Streams(this.#hosts);
    this.#setting = {
      program: options.program,
      config: options.config,
      folder: options.folder,
      admin: `lab-${options.lab}`,
      operator: 'chaos-operator',
      hosts: plan.hosts,
    };
    const manifests = new Manifests(this.#random, options.images, plan.hosts, options.seed);
    this.#draw = new Draw(this.#random, this.#setting, manifests, names, options.seed);
  }

  static async begin(options: RunOptions): Promise<ChaosRun> {
    await mkdir(options.folder, { recursive: true });
    const plan = (await readPlan(options.lab))!;
    const run = new ChaosRun(options, plan);
    const files = certificateFiles(new LabPaths(options.lab).certificates, labOperator('operator'));
    await run.#cmig(
      ...['config', 'set-context', 'chaos-operator', '--broker', brokerUrl(plan), '--ca', files.ca],
      ...['--certificate', files.certificate, '--key', files.key],
    );
    run.#world = await run.#settle(new Map(names.map((name) => [name, []])), [], true);
    return run;
  }

  async all(): Promise<void> {
    const end = performance.now() + this.#options.limitMs;
    try {
      while (this.counts.commands < this.#options.commands && performance.now() < end) await this.#round();
    } finally {
      this.#streams.close();
      this.counts.streams = this.#streams.opened;
    }
  }

  async #round(): Promise<void> {
    this.counts.rounds++;
    await this.#refuse(await this.#streams.open(this.#world, this.#random));
    const queues = Array.from({ length: this.#random.integer(2, 3) }, () =>
      Array.from({ length: this.#random.integer(1, 3) }, () => this.#draw.command(this.#world)),
    );
    const troubles = this.#drawTroubles();
    const titles = troubles.map(({ title }) => title).join(', and ');
    await this.#note(`--- round ${this.counts.rounds}${titles && `: ${titles}`}`);
    for (const [name, { state }] of this.#world.applications)
      if (state) await this.#note(`  ${name} ${tellState(state)}`);
    const ended: Ended[] = [];
    const operators = queues.map(async (queue) => {
      for (const command of queue) {
        const result = await runCommand(this.#setting, command);
        ended.push(result);
        await this.#noteCommand(result);
      }
    });
    this.counts.troubles += troubles.length;
    await Promise.all([...operators, ...troubles.map((each) => each.run())]);
    if (titles) await this.#note(`  ${new Date().toISOString()} mended`);
    this.counts.commands += ended.length;
    for (const { exitCode, cut } of ended) {
      const code = exitCode === undefined ? 'killed' : String(exitCode);
      this.counts.codes[code] = (this.counts.codes[code] ?? 0) + 1;
      if (cut) this.counts.cut++;
    }
    await this.#judge(ended, troubles);
  }

  #drawTroubles(): Trouble[] {
    if (!this.#random.chance(this.#options.troubleShare)) return [];
    const count = this.#random.chance(0.25) ? 2 : 1;
    return Array.from({ length: count }, () => drawTrouble(this.#random, this.#plan));
  }

  async #judge(ended: readonly Ended[], troubles: readonly Trouble[]): Promise<void> {
    const disturbed = troubles.length > 0 || ended.some(({ command }) => command.sleeps || command.disturbs);
    const deeds = new Map(
      names.map((name) => [
        name,
        ended
          .flatMap((each) => deedsOf(each, name, this.#plan.hosts))
          .sort((a, b) => a.startedAt - b.startedAt),
      ]),
    );
    const problems = [
      ...ended.flatMap((each) => outputProblems(each, this.#setting.operator)),
      ...(disturbed ? [] : codeProblems(ended, deeds, this.#world)),
    ];
    await this.#refuse(problems);
    const before = this.#world;
    this.#world = await this.#settle(deeds, ended, disturbed);
    this.#streams.giveUp(
      troubles.flatMap(({ powersOff }) => powersOff ?? []),
      deeds,
      [before, this.#world],
    );
    await this.#refuse(await this.#streams.judge(deeds, this.#world, this.#random));
  }

  /** Waits until all is as it may be. @throws Violation where that does not come */
  async #settle(
    deeds: ReadonlyMap<string, Deed[]>,
    ended: readonly Ended[],
    disturbed: boolean,
  ): Promise<World> {
    const allowed = new Map(
      names.map((name) => [
        name,
        statesAfter([this.#world.applications.get(name)?.state], deeds.get(name) ?? [], disturbed),
      ]),
    );
    const point = {
      lab: this.#options.lab,
      cmig: (...args: string[]) => this.#cmig(...args),
      hosts: this.#hosts,
      names,
      world: this.#world,
      deeds,
      ended,
      turn: this.counts.rounds,
    };
    const end = performance.now() + settleLimitMs;
    for (;;) {
      const { problems, world } = await lookAround({ ...point, allowed }).catch((error: unknown) => ({
        problems: [`the look failed: ${error instanceof Error ? error.message : error}`],
        world: undefined,
      }));
      if (world && problems.length === 0) return world;
      await this.#note(`  ${new Date().toISOString()} not yet: ${problems.join('; ').slice(0, 500)}`);
      if (performance.now() > end) await this.#violate(problems);
      await sleep(1000);
    }
  }

  async #cmig(...args: string[]): Promise<string> {
    const { stdout } = await runProcess(this.#options.program, args, {
      env: { CMIG_CONFIG: this.#options.config, NO_COLOR: '1', COLUMNS: '100' },
      timeoutMs: 60_000,
    });
    return stdout;
  }

  async #note(line: string): Promise<void> {
    await appendFile(join(this.#options.folder, 'run.log'), `${line}\n`);
  }

  async #noteCommand({ command, exitCode, stdout, stderr, startedAt, endedAt, cut }: Ended): Promise<void> {
    const now = Date.now() - performance.now();
    const at = (time: number) => new Date(now + time).toISOString().slice(11, 23);
    const short = (text: string) => text.trim().replaceAll('\n', ' | ').slice(0, 700);
    const version = command.deed?.version ? ` version ${command.deed.version} on ${command.deed.host}` : '';
    const outcomes = /"outcome": "([^"]*)"/g;
    const told = [...stdout.matchAll(outcomes)].map(([, outcome]) => outcome).join();
    await this.#note(
      `  ${at(startedAt)}-${at(endedAt)} ${exitCode ?? 'killed'}${cut ? ` (${command.cutBy})` : ''}${command.sleeps ? ' (slept)' : ''} ${command.context} ${command.args.join(' ')}${version} ${told} ${exitCode === 0 ? '' : short(stderr)}`,
    );
  }

  async #refuse(problems: readonly string[]): Promise<void> {
    if (problems.length > 0) await this.#violate(problems);
  }

  async #violate(problems: readonly string[]): Promise<never> {
    const { folder, lab, seed } = this.#options;
    const text = `seed ${seed}, round ${this.counts.rounds}, after ${this.counts.commands} commands:\n${problems.map((each) => `  ${each}`).join('\n')}`;
    await this.#note(`VIOLATION ${text}`);
    for (const { name } of this.#hosts)
      await cp(new LabPaths(lab).machine(name).agentLog, join(folder, `${name}.log`)).catch(() => {});
    const events = await this.#cmig('events', '--since', '10m').catch(String);
    await writeFile(join(folder, 'events.txt'), events);
    throw new Violation(text);
  }
}
