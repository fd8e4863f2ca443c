// An application of one container that streams numbers on port 7000: what many tests move about.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { cmigOk, images } from './lab.ts';

/** Applies it on host-a, and waits until it is ready. @returns the file of its manifest, in `folder` */
export async function applyTicker(
  folder: string,
  name: string,
  { ballastMb = 0, options = [], network }: { ballastMb?: number; options?: string[]; network?: object } = {},
): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  const container = {
    name: 'main',
    image: `dir:${images}/python`,
    command: ['python3', '/app/ticker.py'],
    env: [
      { name: 'PORT', value: '7000' },
      { name: 'BALLAST_MB', value: String(ballastMb) },
    ],
    ready: { tcp: 7000 },
  };
  const manifest = {
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name },
    spec: { host: 'host-a', ...(network ? { network } : {}), containers: [container] },
  };
  await writeFile(file, stringify(manifest));
  await cmigOk('apply', '--allow-outside', '--wait', '-f', file, ...options);
  return file;
}
