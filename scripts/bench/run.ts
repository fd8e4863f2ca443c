// Measures what the project promises of its speed and size, in a lab of its own, and prints tables. It judges nothing:
// it fails only where something could not be measured.
// usage: npm run bench -- [NAME…] [--runs N] [--mb N,N] [--moves N] [--lab NAME]
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProcess } from '../../src/core/run-process.ts';
import { agent } from './agent.ts';
import { BenchLab, nodeProgram, root } from './bench-lab.ts';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { checkpoint } from './checkpoint.ts';
import { emulation } from './emulation.ts';
import { network } from './network.ts';
import { pause } from './pause.ts';
import { rpc } from './rpc.ts';
import { soak } from './soak.ts';
import { startup } from './startup.ts';
import { topology } from './topology.ts';
import { transfer } from './transfer.ts';

const benchmarks: readonly Benchmark[] = [
  pause,
  checkpoint,
  startup,
  rpc,
  network,
  transfer,
  emulation,
  agent,
  topology,
  soak,
];

class Interrupted extends Error {}

const usage = `usage: npm run bench -- [NAME…] [--runs N] [--mb N,N] [--moves N] [--lab NAME]

${benchmarks.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join('\n')}

All but emulation and soak without a name. Needs root, like the lab. --runs: how often each is measured. --mb: the sizes of memory or
files that pause, checkpoint and transfer move or keep. --moves: how often soak moves its application, 200 if absent.
--lab: the lab's name, "bench" if absent; it is taken down at the end.
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      runs: { type: 'string' },
      mb: { type: 'string' },
      moves: { type: 'string' },
      lab: { type: 'string', default: 'bench' },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const chosen =
    positionals.length === 0 ? benchmarks.filter(({ onlyByName }) => !onlyByName) : positionals.map(find);
  const options = {
    ...(values.runs === undefined ? {} : { runs: wholeNumber(values.runs) }),
    ...(values.moves === undefined ? {} : { moves: wholeNumber(values.moves) }),
    ...(values.mb === undefined ? {} : { megabytes: values.mb.split(',').map(wholeNumber) }),
  };
  await runProcess(nodeProgram, [join(root, 'scripts/build.mjs'), '--if-changed']);
  await runProcess(
    join(root, 'scripts/images/build.sh'),
    ['python', 'busybox', ...(chosen.includes(soak) ? ['redis', 'shop-web'] : [])],
    { timeoutMs: 600_000 },
  );
  const lab = new BenchLab(values.lab);
  try {
    await Promise.race([measureAll(lab, chosen, options), interruption()]);
  } finally {
    await lab.down();
  }
}

async function measureAll(lab: BenchLab, chosen: readonly Benchmark[], options: BenchOptions): Promise<void> {
  await lab.up();
  for (const benchmark of chosen) {
    console.log(`\n== ${benchmark.name}: ${benchmark.summary} (load ${loadavg()[0]?.toFixed(1)}) ==`);
    await benchmark.run(lab, options);
  }
}

/** Rejects at the first Ctrl-C, so that the lab is taken down; a second one ends this at once. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    let interrupted = false;
    const interrupt = () => {
      if (interrupted) process.exit(130);
      interrupted = true;
      console.error('interrupted: the lab is being taken down');
      reject(new Interrupted());
    };
    // A listener that stays: where there is none, execa ends this process by the signal as soon as it has heard of it.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  });
}

function find(name: string): Benchmark {
  const found = benchmarks.find((each) => each.name === name);
  if (!found)
    throw new Error(`there is no benchmark "${name}": ${benchmarks.map((each) => each.name).join(', ')}`);
  return found;
}

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new Error(`"${text}" is no number of this kind`);
  return Number(text);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Interrupted)) console.error(error);
  process.exit(error instanceof Interrupted ? 130 : 1);
}
