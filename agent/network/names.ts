// The names of all applications in the hosts file of this host's: changed in place, as bind mounts demand.
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../store/durable-file.ts';
import type { AgentPaths } from '../store/paths.ts';
import type { Consequence, NetworkView } from './neighbourhood.ts';

/** What stands before it is the application's own, and is found first. */
const heading = '# Other applications, kept by cmig\n';

/** A hosts file with `names` in place of what it had of others. */
export const withNames = (text: string, names: string): string => {
  const at = text.indexOf(heading);
  return (at < 0 ? text : text.slice(0, at)) + names;
};

export const namesOf = ({ places }: Pick<NetworkView, 'places'>): string =>
  heading + places.map(({ address, application }) => `${address} ${application}\n`).join('');

export class Names implements Consequence {
  readonly #paths: AgentPaths;
  #written = '';

  constructor(paths: AgentPaths) {
    this.#paths = paths;
  }

  async open(view: NetworkView): Promise<void> {
    await this.apply(view);
  }

  async apply(view: NetworkView): Promise<void> {
    const names = namesOf(view);
    // For those that are made later.
    if (names !== this.#written) await writeFileDurably(this.#paths.namesFile, names, 0o644);
    this.#written = names;
    for (const { application, host } of view.places)
      if (host === view.own.name) await replaceNames(join(this.#paths.etc(application), 'hosts'), names);
  }
}

async function replaceNames(file: string, names: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === undefined) return;
  const text = withNames(before, names);
  if (text === before) return;
  // Not emptied first: whoever reads it meanwhile finds the application's own names.
  const handle = await open(file, 'r+');
  try {
    const bytes = Buffer.from(text);
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.truncate(bytes.length);
  } finally {
    await handle.close();
  }
}
