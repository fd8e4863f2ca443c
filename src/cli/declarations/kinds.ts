// The kinds that `get` and `describe` accept, with kubectl's kind of short names.
import type { Choice } from '../command.ts';

/** What exists somewhere and can be listed. */
export const listedKinds = [
  { name: 'applications', aliases: ['application', 'apps', 'app', 'Application'] },
  { name: 'hosts', aliases: ['host', 'Host'] },
  { name: 'checkpoints', aliases: ['checkpoint', 'ckpts', 'ckpt', 'Checkpoint'] },
  { name: 'images', aliases: ['image', 'imgs', 'img', 'Image'] },
  { name: 'migrations', aliases: ['migration', 'migs', 'mig', 'Migration'] },
] as const satisfies readonly Choice[];

/** `app` -> `applications`. */
export const kindNamed = (word: string): (typeof listedKinds)[number]['name'] | undefined =>
  listedKinds.find(({ name, aliases }) => name === word || (aliases as readonly string[]).includes(word))
    ?.name;
