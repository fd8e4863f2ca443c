// How fast files get to a peer: as the agent sends them, over its shared SSH connection, beside plain rsync -a.
import { randomFillSync } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchLab, nodeProgram, root } from './bench-lab.ts';
import type { Benchmark } from './benchmark.ts';
import { benchFolder, PlainSsh } from './plain-ssh.ts';
import { printRatio, printResults } from './print-results.ts';

/** Where the agent's peers deliver; the receive guard knows no other names. */
const delivery = 'm-bench';
const smallFiles = 50;

interface Load {
  title: string;
  /** How the agent would send it. */
  content: 'files' | 'images';
  megabytes: number;
}

export const transfer: Benchmark = {
  name: 'transfer',
  summary: "a small folder and large ones over the agents' SSH beside plain rsync",
  async run(lab, { runs = 5, megabytes = [512] }) {
    const ssh = await PlainSsh.open(lab);
    try {
      const [from] = lab.hosts;
      const folder = join(lab.folders(from).data, 'bench/files');
      await mkdir(folder);
      for (let file = 0; file < smallFiles; file += 1)
        await writeFile(join(folder, `file-${file}`), randomFillSync(Buffer.alloc(4096)));
      await measure(
        lab,
        ssh,
        { title: `${smallFiles} files of 4 KiB`, content: 'files', megabytes: 1 },
        runs,
      );
      for (const size of megabytes) {
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
        await writeRandom(join(folder, 'pages-1.img'), size);
        await measure(lab, ssh, { title: `${size} MB`, content: 'images', megabytes: size }, runs);
      }
    } finally {
      await ssh.close();
    }
  },
};

async function measure(
  lab: BenchLab,
  ssh: PlainSsh,
  { title, content, megabytes }: Load,
  runs: number,
): Promise<void> {
  const [from, to] = lab.hosts;
  const peerData = lab.folders(to).data;
  const asAgent: number[] = [];
  const plain: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await rm(join(peerData, 'incoming', delivery), { recursive: true, force: true });
    // The receive guard takes only what is expected.
    await mkdir(join(peerData, 'incoming', delivery));
    await lab.calm(2 * megabytes);
    asAgent.push(await sendAsAgent(lab, from, to, content));
    await rm(join(peerData, 'bench/files'), { recursive: true, force: true });
    await lab.calm(2 * megabytes);
    const start = performance.now();
    await lab.onHost(from, ...ssh.rsync(to, `${benchFolder}/files/`, `${benchFolder}/files/`));
    plain.push(performance.now() - start);
  }
  await rm(join(peerData, 'incoming', delivery), { recursive: true, force: true });
  await rm(join(peerData, 'bench/files'), { recursive: true, force: true });
  printResults({
    title: `${title} from ${from} to ${to}`,
    labels: ['HOW'],
    unit: 'ms',
    rows: [
      { labels: ['as the agent sends'], samples: asAgent },
      { labels: ['rsync -a'], samples: plain },
    ],
  });
  printRatio(`the agent's way beside rsync -a, ${title}`, asAgent, plain);
}

/** The agent's own code sends, in a process of its own on the host, since an agent sends only what it has reason to. */
async function sendAsAgent(lab: BenchLab, from: string, to: string, content: string): Promise<number> {
  const { stdout } = await lab.onHost(
    from,
    nodeProgram,
    join(root, 'scripts/bench/send-as-agent.ts'),
    ...[to, `${benchFolder}/./files`, delivery, content],
  );
  return Number(stdout);
}

async function writeRandom(path: string, megabytes: number): Promise<void> {
  const file = await open(path, 'w');
  const block = Buffer.allocUnsafe(2 ** 20);
  for (let written = 0; written < megabytes; written += 1) await file.write(randomFillSync(block));
  await file.close();
}
