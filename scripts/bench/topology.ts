// The live view of many hosts: how soon it is there, what it costs, how soon it answers keys.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { keys, PseudoTerminal } from '../../tests/e2e/pseudo-terminal.ts';
import { cmigProgram, nodeProgram, root } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { percentile } from './statistics.ts';

const hosts = 200;
const watchedMs = 20_000;
const keysPressed = 40;

export const topology: Benchmark = {
  name: 'topology',
  summary: `the live view of ${hosts} generated hosts with ${hosts * 10} containers`,
  async run(lab, { runs = 5 }) {
    // The hosts of the lab keep out of it: only their broker is wanted.
    for (const host of lab.hosts) await lab.cmig('lab', 'kill', host, '--agent', '--name', lab.name);
    const { broker } = await lab.status();
    const generator = spawnProcess(
      nodeProgram,
      [join(root, 'scripts/bench/generated-hosts.ts'), broker.url, broker.credentialsFile, String(hosts)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(generator.stdout!, 'data');
      await sleep(3000);
      const terminal = await PseudoTerminal.open(200, 60);
      try {
        await measureView(terminal, lab.environment);
      } finally {
        await terminal.close();
      }
      const lists: number[] = [];
      for (let run = 0; run < runs; run += 1) {
        const start = performance.now();
        const { stdout } = await runProcess(cmigProgram, ['get', 'hosts', '--no-headers'], {
          env: lab.environment,
        });
        lists.push(performance.now() - start);
        const listed = stdout.split('\n').filter((line) => / Ready /.test(line)).length;
        if (listed !== hosts) throw new Error(`${listed} hosts instead of ${hosts}`);
      }
      say('cmig get hosts, median', `${percentile(lists, 50).toFixed(0)} ms`, 'under 1000 ms');
    } finally {
      generator.kill('SIGTERM');
      await generator.ended;
      // For whatever is measured after it: a lab with agents, and with nothing that those have left which were killed.
      await lab.down();
      await lab.up();
    }
  },
};

const say = (what: string, value: string, goal: string): void =>
  console.log(`${what.padEnd(34)}${value.padEnd(24)}goal: ${goal}`);

async function measureView(terminal: PseudoTerminal, environment: Record<string, string>): Promise<void> {
  const settings = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  const begun = performance.now();
  const pid = await terminal.start(`env ${settings.join(' ')} cmig topology`);
  await terminal.shows(new RegExp(`${hosts} hosts[\\s\\S]* Ready `), 60_000);
  say('first picture', `${(performance.now() - begun).toFixed(0)} ms`, 'under 1000 ms');
  await sleep(5000);
  const before = await processorMs(pid);
  const since = performance.now();
  await sleep(watchedMs);
  const share = ((await processorMs(pid)) - before) / (performance.now() - since);
  say('processor, of one core', `${(share * 100).toFixed(1)} %`, 'under 25 %');
  const answers: number[] = [];
  for (let press = 0; press < keysPressed; press += 1) {
    await sleep(100 + Math.random() * 150);
    const selected = selectionOf(terminal);
    const start = performance.now();
    terminal.press(press % 8 < 6 ? keys.down : keys.up);
    await waitFor(() => selectionOf(terminal) !== selected, {
      timeoutMs: 10_000,
      intervalMs: 1,
      what: 'an answer',
    });
    answers.push(performance.now() - start);
  }
  const [middle, most] = [percentile(answers, 50), Math.max(...answers)];
  say('a key answered, median, longest', `${middle.toFixed(0)} ms, ${most.toFixed(0)} ms`, 'within 100 ms');
  terminal.press('q');
  await terminal.isShell();
}

/** Where the mark of what is selected stands, and beside what. */
const selectionOf = (terminal: PseudoTerminal): string => {
  const screen = terminal.screen();
  const row = screen.findIndex((line) => line.includes('▸'));
  return `${row} ${screen[row]?.slice(screen[row].indexOf('▸'), screen[row].indexOf('▸') + 20)}`;
};

/** What a process has used so far. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}
