// The application that the faults happen to: two containers that talk to each other and to a client outside.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, cmigOk, images } from '../e2e/lab.ts';

export const application = 'pair';
export const containers = ['one', 'two'] as const;
export const program = 'python3';

/** @returns its address */
export async function deployPair(host: string): Promise<string> {
  const script = await readFile(join(import.meta.dirname, 'sequence.py'), 'utf8');
  const container = (name: string, role: string, port: number) => ({
    name,
    image: 'dir:images/python',
    command: [program, '-c', script],
    env: [
      { name: 'ROLE', value: role },
      { name: 'BALLAST_MB', value: '24' },
      { name: 'FILES_MB', value: '24' },
    ],
    ready: { tcp: port },
  });
  const manifest = {
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name: application },
    spec: {
      host,
      containers: [
        { ...container(containers[0], 'server', 7000), volumes: [{ name: 'data', mountPath: '/data' }] },
        { ...container(containers[1], 'client', 7001), dependsOn: ['one'] },
      ],
      volumes: [{ name: 'data' }],
    },
  };
  const folder = await mkdtemp(join(tmpdir(), 'cmig-faults-'));
  try {
    await symlink(images, join(folder, 'images'));
    // JSON is YAML.
    await writeFile(join(folder, 'pair.yaml'), JSON.stringify(manifest));
    await cmigOk('apply', '-f', join(folder, 'pair.yaml'), '--allow-outside', '--wait');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return addressOf(application);
}
