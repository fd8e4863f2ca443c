// How long a command takes from the shell to its end, beside a Node that does nothing.
import { runProcess } from '../../src/core/run-process.ts';
import { cmigProgram, nodeProgram } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { printRatio, printResults } from './print-results.ts';

const node = 'node -e 0';
const commands: Record<string, [string, ...string[]]> = {
  [node]: [nodeProgram, '-e', '0'],
  'cmig --help': [cmigProgram, '--help'],
  'cmig version': [cmigProgram, 'version'],
  'cmig get applications': [cmigProgram, 'get', 'applications'],
};
const goals: Record<string, string> = { 'cmig --help': 'at most 1.5', 'cmig get applications': 'at most 3' };

export const startup: Benchmark = {
  name: 'startup',
  summary: 'wall time of short commands beside node -e 0',
  async run(lab, { runs = 15 }) {
    await lab.deploy('page', {
      image: 'dir:images/busybox',
      command: ['httpd', '-f', '-p', '80'],
      stopTimeout: '200ms',
    });
    const samples = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
    try {
      // The first round warms up, and is not counted. By turns, so that what else the machine does meets all alike.
      for (let run = 0; run <= runs; run += 1) {
        for (const [name, [program, ...args]] of Object.entries(commands)) {
          const start = performance.now();
          await runProcess(program, args, { env: lab.environment });
          if (run > 0) samples.get(name)?.push(performance.now() - start);
        }
      }
    } finally {
      await lab.cmig('delete', 'page');
    }
    printResults({
      title: 'start-up',
      labels: ['COMMAND'],
      unit: 'ms',
      rows: [...samples].map(([name, times]) => ({ labels: [name], samples: times })),
    });
    const base = samples.get(node) ?? [];
    for (const [name, times] of samples) {
      if (name === node) continue;
      printRatio(`${name} beside ${node}`, times, base, goals[name]);
    }
  },
};
