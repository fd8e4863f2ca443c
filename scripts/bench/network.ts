// What the overlay, its encryption and a published port cost, beside the plain path between the same two hosts.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { layOutTable } from '../../src/view/table.ts';
import { BenchLab, root } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { percentile } from './statistics.ts';

const program = join(root, 'scripts/bench/network-load.py');
const port = 7100;
const hostPort = 7200;
const rounds = 2000;
const megabytesAtOnce = 64;

interface Measured {
  roundTripUs: number;
  megabytesPerSecond: number;
}
interface Row extends Measured {
  path: string;
  /** The path that it stands beside. */
  plain?: Measured;
}

export const network: Benchmark = {
  name: 'network',
  summary: 'throughput and round trips through the overlay and a published port, beside a plain veth path',
  async run(lab, { runs = 5 }) {
    const sites = new BenchLab(`${lab.name}-sites`, 'one,two');
    try {
      await sites.up();
      print(await measureAll(sites, runs));
    } finally {
      await sites.down();
    }
  },
};

/** From host-b to host-a, and from this machine by host-b to host-a: the same program serves on the host and inside. */
async function measureAll(lab: BenchLab, runs: number): Promise<Row[]> {
  const [to, from] = lab.hosts;
  const { hosts } = await lab.status();
  const addressOf = (name: string) => hosts.find((host) => host.name === name)?.address ?? '';
  const text = await readFile(program, 'utf8');
  const address = await lab.deploySpec('load', {
    network: { ports: [{ port, hostPort, hosts: [from] }] },
    containers: [
      {
        name: 'main',
        image: 'dir:images/python',
        command: ['python3', '-c', text, 'serve', String(port)],
        ready: { tcp: port },
      },
    ],
  });
  await lab.startOnHost(to, 'sh', '-c', `python3 ${program} serve ${port} < /dev/null > /dev/null 2>&1 &`);
  const words = (host: string, at: number) => [
    'python3',
    program,
    'measure',
    host,
    ...[at, rounds, megabytesAtOnce].map(String),
  ];
  const onHost = async (host: string) => (await lab.onHost(from, ...words(host, port))).stdout;
  const here = async (host: string, at: number) => {
    const [python = '', ...args] = words(host, at);
    return (await runProcess(python, args, { timeoutMs: 120_000 })).stdout;
  };
  const measure = async (run: () => Promise<string>): Promise<Measured> => {
    const all: Measured[] = [];
    await run();
    for (let count = 0; count < runs; count++) all.push(JSON.parse(await run()));
    const median = (key: keyof Measured) =>
      percentile(
        all.map((each) => each[key]),
        50,
      );
    return { roundTripUs: median('roundTripUs'), megabytesPerSecond: median('megabytesPerSecond') };
  };
  const plain = await measure(() => onHost(addressOf(to)));
  const plainHere = await measure(() => here(addressOf(to), port));
  const rows: Row[] = [
    { path: 'host to host', ...plain },
    { path: 'machine to host', ...plainHere },
  ];
  for (const how of ['encrypted', 'in clear text']) {
    if (how !== 'encrypted') await switchEncryptionOff(lab);
    rows.push(
      { path: `overlay, ${how}`, ...(await measure(() => onHost(address))), plain },
      {
        path: `published port, ${how}`,
        ...(await measure(() => here(addressOf(from), hostPort))),
        plain: plainHere,
      },
    );
  }
  return rows;
}

async function switchEncryptionOff(lab: BenchLab): Promise<void> {
  for (const host of lab.hosts) {
    const file = join(lab.folders(host).etc, 'agent.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('overlay: {}', 'overlay: { encryption: never }'));
    await lab.cmig('lab', 'kill', host, '--agent', '--name', lab.name);
    await lab.cmig('lab', 'start', host, '--agent', '--name', lab.name);
  }
  const isOff = async () => {
    const tables = lab.hosts.map((host) =>
      lab.onHost(host, 'sh', '-c', 'ip route show table 25453 2> /dev/null; :'),
    );
    return (await Promise.all(tables)).every(({ stdout }) => stdout.trim() === '');
  };
  await waitFor(isOff, { timeoutMs: 30_000, intervalMs: 200, what: 'the end of the encryption' });
}

function print(rows: readonly Row[]): void {
  const beside = (row: Row, key: keyof Measured) => (row.plain ? (row[key] / row.plain[key]).toFixed(2) : '');
  const { lines } = layOutTable<Row>(
    [
      { header: 'PATH', value: ({ path }) => path },
      { header: 'ROUND TRIP us', value: ({ roundTripUs }) => roundTripUs.toFixed(0) },
      { header: 'BESIDE PLAIN', value: (row) => beside(row, 'roundTripUs') },
      { header: 'MB/s', value: ({ megabytesPerSecond }) => megabytesPerSecond.toFixed(0) },
      { header: 'BESIDE PLAIN', value: (row) => beside(row, 'megabytesPerSecond') },
    ],
    rows,
  );
  console.log(`\n${lines.join('\n')}\n`);
}
