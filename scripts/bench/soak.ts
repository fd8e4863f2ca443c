// Whether anything is lost, or grows, when an application moves back and forth for long under client load.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationReport } from '../../src/orchestrator/migration/migrate.ts';
import { layOutTable } from '../../src/view/table.ts';
import { NumberedStream } from '../../tests/e2e/numbered-stream.ts';
import type { BenchLab } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { type HostHoldings, readHoldings } from './host-holdings.ts';
import { summarize } from './statistics.ts';

const streamsAtOnce = 5;
/** What is needed once (compiled code, warm caches, the first journals) is there by then. */
const settledAfter = 10;
/** For what an agent does after its answer. */
const quietMs = 3000;
const goal = 1.1;

/** The example's shop: the web service keeps one connection to redis, which writes to a volume. */
const shop = {
  containers: [
    {
      name: 'db',
      image: 'dir:images/redis',
      command: ['redis-server', '--bind', '127.0.0.1', '--dir', '/data', '--save', '', '--appendonly', 'yes'],
      volumes: [{ name: 'data', mountPath: '/data' }],
      ready: { tcp: 6379 },
    },
    {
      name: 'web',
      image: 'dir:images/shop-web',
      command: ['python3', '/app/shop-web.py', '--port', '80'],
      dependsOn: ['db'],
      ready: { http: { port: 80 } },
    },
  ],
  volumes: [{ name: 'data' }],
};

type Snapshot = Map<string, HostHoldings>;

export const soak: Benchmark = {
  name: 'soak',
  summary:
    'an application of two containers moves back and forth under client load: what is lost, what grows',
  onlyByName: true,
  async run(lab, { moves = 200 }) {
    if (moves <= settledAfter) throw new Error(`--moves must be more than ${settledAfter}`);
    const address = await lab.deploySpec('soaked', shop);
    const streams = await Promise.all(
      Array.from({ length: streamsAtOnce }, () =>
        NumberedStream.open({ host: address, port: 80, path: '/stream' }),
      ),
    );
    const frozenMs: number[] = [];
    let before: Snapshot | undefined;
    let after: Snapshot | undefined;
    try {
      for (let move = 1; move <= moves; move += 1) {
        const to = lab.hosts[move % lab.hosts.length]!;
        const report = await lab.cmigJson<MigrationReport>('migrate', 'soaked', to);
        frozenMs.push(report.frozenMs);
        await Promise.all(streams.map((stream) => stream.more(2)));
        if (move === settledAfter) before = await look(lab);
        if (move % 10 === 0) console.log(progress(move, moves, streams, frozenMs));
      }
      after = await look(lab);
    } finally {
      for (const stream of streams) stream.close();
      await lab.cmig('delete', 'soaked');
    }
    printGrowth(before!, after, moves);
    console.log(`${progress(moves, moves, streams, frozenMs)} (goal: 0)`);
    for (const { problems } of streams)
      for (const problem of problems.slice(0, 5)) console.log(`  ${problem}`);
  },
};

function progress(
  move: number,
  moves: number,
  streams: readonly NumberedStream[],
  frozenMs: readonly number[],
): string {
  const received = streams.reduce((sum, { last }) => sum + last, 0);
  const problems = streams.reduce((sum, stream) => sum + stream.problems.length, 0);
  const { median, max } = summarize(frozenMs);
  return `${move} of ${moves} moves, frozen for ${median.toFixed(0)} ms (at most ${max.toFixed(0)}): ${received} numbers on ${streams.length} connections, ${problems} lost or repeated`;
}

async function look(lab: BenchLab): Promise<Snapshot> {
  await sleep(quietMs);
  const holdings: Snapshot = new Map();
  for (const host of lab.hosts) holdings.set(host, await readHoldings(lab, host));
  return holdings;
}

interface Row {
  host: string;
  what: string;
  before: number;
  after: number;
}

function printGrowth(before: Snapshot, after: Snapshot, moves: number): void {
  const rows: Row[] = [...before].flatMap(([host, holdings]) =>
    Object.entries(holdings).map(([what, value]) => ({
      host,
      what,
      before: value,
      after: after.get(host)![what as keyof HostHoldings],
    })),
  );
  const ratio = (row: Row): number => (row.before === row.after ? 1 : row.after / row.before);
  const { lines } = layOutTable<Row>(
    [
      { header: 'HOST', value: ({ host }) => host },
      { header: 'WHAT', value: ({ what }) => what },
      { header: `AFTER ${settledAfter}`, value: (row) => String(row.before) },
      { header: `AFTER ${moves}`, value: (row) => String(row.after) },
      { header: 'RATIO', value: (row) => ratio(row).toFixed(2) },
    ],
    rows,
  );
  console.log(
    `\nwhat each host holds (goal: at most ${goal} times what it was, and 100 journals)\n\n${lines.join('\n')}\n`,
  );
  const grown = rows
    .filter((row) => row.what !== 'journals' && ratio(row) > goal)
    .map(({ host, what }) => `${what} of ${host}`);
  console.log(grown.length === 0 ? 'nothing grew beyond that' : `grown beyond that: ${grown.join(', ')}`);
}
