// How long an application stands still: a migration beside the same program moved by hand, between the same two hosts,
// one after the other by turns.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationReport } from '../../src/orchestrator/migration/migrate.ts';
import { NumberedStream } from '../../tests/e2e/numbered-stream.ts';
import { type BenchLab, tickerWith } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { HandMove, type HandMoveTimes } from './hand-move.ts';
import { PlainSsh } from './plain-ssh.ts';
import { printRatio, printResults } from './print-results.ts';

/** A client notices by itself that a number is late: so often they are sent. */
const streamIntervalMs = 50;

/** The images at both hosts and the restored processes, with some room. */
const memoryCopies = 4;

interface ProductTimes {
  report: MigrationReport;
  gapMs: number;
}

export const pause: Benchmark = {
  name: 'pause',
  summary: 'the pause of a migration beside runc checkpoint + rsync + runc restore by hand',
  async run(lab, { runs = 3, megabytes = [64, 512] }) {
    const ssh = await PlainSsh.open(lab);
    try {
      for (const size of megabytes) await measure(lab, ssh, size, runs);
    } finally {
      await ssh.close();
    }
  },
};

async function measure(lab: BenchLab, ssh: PlainSsh, megabytes: number, runs: number): Promise<void> {
  const application = `ballast-${megabytes}`;
  const address = await lab.deploy(application, tickerWith(megabytes));
  const hand = await HandMove.start(lab, ssh, megabytes);
  const stream = await NumberedStream.open({ host: address, port: 7000 });
  const product: ProductTimes[] = [];
  const byHand: HandMoveTimes[] = [];
  try {
    while (!(await hand.isReady())) await sleep(200);
    for (let run = 0; run < runs; run += 1) {
      const [from, to] = run % 2 === 0 ? lab.hosts : ([...lab.hosts].reverse() as [string, string]);
      await lab.calm(memoryCopies * megabytes);
      product.push(await migrate(lab, stream, application, to));
      await lab.calm(memoryCopies * megabytes);
      byHand.push(await hand.move(from, to));
    }
    if (stream.problems.length > 0) throw new Error(`the stream is broken: ${stream.problems.join('; ')}`);
  } finally {
    stream.close();
    await hand.stop();
    await lab.cmig('delete', application);
  }
  print(megabytes, product, byHand);
}

async function migrate(
  lab: BenchLab,
  stream: NumberedStream,
  application: string,
  to: string,
): Promise<ProductTimes> {
  await stream.more(10);
  stream.resetGap();
  const report = await lab.cmigJson<MigrationReport>('migrate', application, to);
  await stream.more(10);
  return { report, gapMs: stream.longestGapMs };
}

function print(megabytes: number, product: ProductTimes[], byHand: HandMoveTimes[]): void {
  const phase = (name: string) => product.map(({ report }) => report.phases[name] ?? 0);
  const frozen = product.map(({ report }) => report.frozenMs);
  const between = product.map(({ report }) => {
    const { freeze = 0, transfer = 0, restore = 0, commit = 0 } = report.phases;
    return report.frozenMs - freeze - transfer - restore - commit;
  });
  const hand = byHand.map(({ pauseMs }) => pauseMs);
  const beyond = product.map(({ report, gapMs }) => gapMs - report.frozenMs);
  printResults({
    title: `pause with ${megabytes} MB of memory that does not compress`,
    labels: ['WHAT', 'PART'],
    unit: 'ms',
    rows: [
      { labels: ['by hand', 'whole pause'], samples: hand },
      { labels: ['by hand', 'runc checkpoint'], samples: byHand.map(({ checkpointMs }) => checkpointMs) },
      { labels: ['by hand', 'rsync'], samples: byHand.map(({ rsyncMs }) => rsyncMs) },
      { labels: ['by hand', 'runc restore'], samples: byHand.map(({ restoreMs }) => restoreMs) },
      { labels: ['cmig', 'frozenMs'], samples: frozen },
      { labels: ['cmig', 'freeze'], samples: phase('freeze') },
      { labels: ['cmig', 'transfer'], samples: phase('transfer') },
      { labels: ['cmig', 'restore'], samples: phase('restore') },
      { labels: ['cmig', 'commit'], samples: phase('commit') },
      { labels: ['cmig', 'between them'], samples: between },
      { labels: ['client', 'longest gap'], samples: product.map(({ gapMs }) => gapMs) },
      { labels: ['client', 'beyond frozenMs'], samples: beyond },
    ],
  });
  printRatio(`frozenMs beside the pause by hand, ${megabytes} MB`, frozen, hand, 'at most 1.25');
  console.log(
    `the client's gap beyond frozenMs: at most ${Math.round(Math.max(...beyond))} ms (goal: 300; a number is due every ${streamIntervalMs} ms)`,
  );
}
