// What a checkpoint costs where there are many files: its pause beside that without them, and its bytes on disk.
import { randomFillSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { type BenchLab, tickerWith } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { printRatio, printResults } from './print-results.ts';

const applications = { bare: 'bare', filled: 'filled' } as const;
const fileBytes = 2 ** 20;
const takenInARow = 10;
const changedShare = 0.01;

export const checkpoint: Benchmark = {
  name: 'checkpoint',
  summary: 'the pause with a volume that did not change beside that without it; ten of them on disk',
  async run(lab, { runs = 5, megabytes = [1024] }) {
    for (const files of megabytes) {
      const container = tickerWith(0);
      await lab.deploy(applications.bare, container);
      await lab.deploySpec(applications.filled, {
        containers: [{ name: 'main', ...container, volumes: [{ name: 'data', mountPath: '/data' }] }],
        volumes: [{ name: 'data' }],
      });
      try {
        await write(lab, 0, files);
        await comparePauses(lab, files, runs);
        await fillDisk(lab, files);
      } finally {
        await lab.cmig('delete', ...Object.values(applications));
      }
    }
  },
};

/** Each has one before the first that counts; they go by turns. */
async function comparePauses(lab: BenchLab, files: number, runs: number): Promise<void> {
  const taken: string[] = [];
  const samples = { bare: [] as number[], filled: [] as number[] };
  for (let run = 0; run <= runs; run += 1)
    for (const application of Object.values(applications)) {
      await lab.calm();
      const { metadata, status } = await take(lab, application, `${application}-${run}`);
      taken.push(metadata.name);
      if (run > 0) samples[application].push(status.frozenMs);
    }
  await lab.cmig('delete', 'checkpoint', ...taken);
  printResults({
    title: `pause of a checkpoint beside a volume of ${files} MB that did not change since the last one`,
    labels: ['WITH'],
    unit: 'ms',
    rows: [
      { labels: ['no volume'], samples: samples.bare },
      { labels: ['the volume'], samples: samples.filled },
    ],
  });
  printRatio('the pause with the volume', samples.filled, samples.bare, 'at most 1.3');
}

async function fillDisk(lab: BenchLab, files: number): Promise<void> {
  const changed = Math.max(1, Math.ceil(files * changedShare));
  const taken: string[] = [];
  for (let run = 0; run < takenInARow; run += 1) {
    await write(lab, run * changed, changed, files);
    taken.push((await take(lab, applications.filled, `row-${run}`)).metadata.name);
  }
  // Hard links count once, and nothing but the checkpoints is in there.
  const folder = join(lab.folders(lab.hosts[0]).data, 'checkpoints', applications.filled);
  const { stdout } = await runProcess('du', ['--summarize', '--block-size=1M', folder]);
  const measured = Number.parseInt(stdout, 10);
  await lab.cmig('delete', 'checkpoint', ...taken);
  console.log(
    `${takenInARow} checkpoints of ${files} MB of files, of which ${changed} MB are written anew before each: ` +
      `${measured} MB on disk, ${(measured / files).toFixed(2)} times the files (goal: at most 1.2)`,
  );
}

/** Writes so many files of one megabyte into the volume, from the given one on; after the last comes the first. */
async function write(lab: BenchLab, first: number, count: number, files = count): Promise<void> {
  const volume = join(lab.folders(lab.hosts[0]).data, 'applications', applications.filled, 'volumes/data');
  const block = Buffer.allocUnsafe(fileBytes);
  for (let file = first; file < first + count; file += 1)
    await writeFile(join(volume, `file-${file % files}`), randomFillSync(block));
}

const take = (lab: BenchLab, application: string, name: string): Promise<Checkpoint> =>
  lab.cmigJson<Checkpoint>('checkpoint', application, '--name', name);
