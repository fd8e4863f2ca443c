// How much memory an agent holds: when it has just started, idle, and after it has worked.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { findAgents } from '../../src/lab/host-agent.ts';
import { layOutTable } from '../../src/view/table.ts';
import { type BenchLab, tickerWith } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';

const idleMs = 60_000;

export const agent: Benchmark = {
  name: 'agent',
  summary: 'resident memory of the agents, idle and after migrations',
  async run(lab, { runs = 6 }) {
    // What earlier benchmarks have asked of them does not count.
    for (const host of lab.hosts) {
      await lab.cmig('lab', 'kill', host, '--agent', '--name', lab.name);
      await lab.cmig('lab', 'start', host, '--agent', '--name', lab.name);
    }
    const rows: { moment: string; megabytes: string[] }[] = [];
    const look = async (moment: string) =>
      rows.push({ moment, megabytes: await Promise.all(lab.hosts.map((host) => residentMb(lab, host))) });
    await look('just started');
    await sleep(idleMs);
    await look('after a minute');
    await lab.deploy('traveller', tickerWith(16));
    for (let run = 0; run < runs; run += 1)
      await lab.cmig('migrate', 'traveller', lab.hosts[(run + 1) % lab.hosts.length]!);
    await look(`after ${runs} migrations`);
    await sleep(idleMs);
    await look('a minute later');
    await lab.cmig('delete', 'traveller');
    const { lines } = layOutTable<(typeof rows)[number]>(
      [
        { header: 'WHEN', value: ({ moment }) => moment },
        ...lab.hosts.map((host, index) => ({
          header: `${host} MB`,
          value: ({ megabytes }: { megabytes: string[] }) => megabytes[index] ?? '',
        })),
      ],
      rows,
    );
    console.log(`\nresident memory of an agent (goal: under 90 MB when idle)\n\n${lines.join('\n')}\n`);
  },
};

/** VmRSS, in 1024 times 1024 bytes. */
async function residentMb(lab: BenchLab, host: string): Promise<string> {
  const [pid] = await findAgents(lab.init(host));
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024).toFixed(1);
}
