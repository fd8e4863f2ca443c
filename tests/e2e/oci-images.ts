// Builds an image of several layers without any network: files that a later layer replaces, removes or hides, a user,
// an entrypoint, a volume with something in it.
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { images } from './lab.ts';

const umoci = (...args: string[]): Promise<unknown> => runProcess('umoci', args);
export const skopeo = (...args: string[]): Promise<unknown> =>
  runProcess('skopeo', ['--insecure-policy', ...args]);

/** Writes files, given by their paths in the image, to a folder of this machine. */
async function tree(folder: string, files: Record<string, string>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/**
 * An OCI layout with the tags `app` (as user `web`), `again`, which says something else, and `more`, which has layers
 * of its own upon those of `app`. It streams numbers on port 7000 as the examples do.
 */
export async function buildLayout(folder: string): Promise<string> {
  const layout = join(folder, 'layout');
  await umoci('init', '--layout', layout);
  await umoci('new', '--image', `${layout}:app`);
  const insert = (...args: string[]) => umoci('insert', '--image', `${layout}:app`, ...args);
  await insert(join(images, 'busybox'), '/');
  const etc = await tree(join(folder, 'etc'), {
    passwd: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/srv:/bin/sh\n',
    group: 'root:x:0:\nweb:x:1001:\nlog:x:40:web\n',
    hosts: '',
  });
  await insert(etc, '/etc');
  await insert(
    await tree(join(folder, 'first'), {
      kept: 'first\n',
      gone: 'first\n',
      'hidden/old': 'first\n',
      'replaced/inside': 'first\n',
    }),
    '/srv/files',
  );
  const data = await tree(join(folder, 'data'), { seed: 'from the image\n' });
  await chown(data, 1000, 1001);
  await chmod(data, 0o750);
  await insert(data, '/data');
  await insert('--whiteout', '/srv/files/gone');
  await insert('--opaque', await tree(join(folder, 'second'), { new: 'second\n' }), '/srv/files/hidden');
  await writeFile(join(folder, 'file'), 'second\n');
  await insert(join(folder, 'file'), '/srv/files/replaced');
  const start = join(folder, 'start.sh');
  await writeFile(start, '#!/bin/sh\necho "started with $*"\nexec /app/ticker.sh "$@"\n', { mode: 0o755 });
  await insert(start, '/app/start.sh');
  const config = (tag: string, ...args: string[]) =>
    umoci('config', '--image', `${layout}:app`, '--tag', tag, ...args);
  await config(
    'app',
    ...['--config.user', 'web', '--config.workingdir', '/srv/work', '--config.env', 'COLOR=red'],
    ...['--config.entrypoint', '/app/start.sh', '--config.cmd', 'plain', '--config.volume', '/data'],
    ...['--config.exposedports', '7000/tcp', '--config.stopsignal', 'SIGINT'],
  );
  await config('again', '--config.env', 'COLOR=blue');
  await insert('--tag', 'more', '--whiteout', '/srv/files/kept');
  await umoci('insert', '--image', `${layout}:more`, join(folder, 'file'), '/srv/files/own');
  // Of the folder it says nothing, which stays the user's.
  await umoci('insert', '--image', `${layout}:more`, join(folder, 'file'), '/data/more');
  return layout;
}
