// How long a request takes to an agent and back, over the lab's broker.
import { readFile } from 'node:fs/promises';
import { connectBroker } from '../../src/broker/connection.ts';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import { layOutTable } from '../../src/view/table.ts';
import type { Benchmark } from './benchmark.ts';
import { percentile } from './statistics.ts';

const methods = ['agent.describe', 'host.list'] as const;
const warmUp = 200;

export const rpc: Benchmark = {
  name: 'rpc',
  summary: 'round trips of agent.describe and host.list over RabbitMQ',
  async run(lab, { runs = 2000 }) {
    const { broker } = await lab.status();
    const line = (await readFile(broker.credentialsFile, 'utf8')).trim();
    const colon = line.indexOf(':');
    const connection = await connectBroker({
      url: broker.url,
      insecure: true,
      credentials: { user: line.slice(0, colon), password: line.slice(colon + 1) },
      name: 'cmig bench',
    });
    const client = new RpcClient(connection, { caller: 'cmig bench' });
    const rows: { method: string; times: number[] }[] = [];
    try {
      for (const method of methods) {
        const times: number[] = [];
        for (let run = -warmUp; run < runs; run += 1) {
          const start = performance.now();
          await client.call(lab.hosts[0], method, {});
          if (run >= 0) times.push(performance.now() - start);
        }
        rows.push({ method, times });
      }
    } finally {
      await client.close();
      await connection.close();
    }
    const { lines } = layOutTable<(typeof rows)[number]>(
      [
        { header: 'METHOD', value: ({ method }) => method },
        ...[50, 95, 99].map((percent) => ({
          header: `P${percent} ms`,
          value: ({ times }: { times: number[] }) => percentile(times, percent).toFixed(2),
        })),
        { header: 'CALLS', value: ({ times }) => String(times.length) },
      ],
      rows,
    );
    console.log(`\nround trips (goal: p50 under 2 ms)\n\n${lines.join('\n')}\n`);
  },
};
