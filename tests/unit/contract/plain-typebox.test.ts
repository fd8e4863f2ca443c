// The built programs make their schemas without TypeBox (scripts/plain-typebox.mjs): they are the same.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';
import { runProcess } from '../../../src/core/run-process.ts';

const root = join(import.meta.dirname, '../../..');
const plain = pathToFileURL(join(root, 'scripts/plain-typebox.mjs')).href;

/** What a file exports, by name, where schemas come from TypeBox or from its stand-in. */
async function exportsOf(files: readonly string[], typebox: string): Promise<Record<string, object>> {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, at, next) => next(name === 'typebox' ? ${JSON.stringify(typebox)} : name, at) });
    const all = {};
    for (const file of ${JSON.stringify(files)}) all[file] = { ...(await import(file)) };
    console.log(JSON.stringify(all));`;
  const { stdout } = await runProcess(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
  });
  return JSON.parse(stdout) as Record<string, object>;
}

it('makes the same schemas as TypeBox', async () => {
  const contract = await readdir(join(root, 'src/contract'));
  const files = [...contract.map((name) => join(root, 'src/contract', name)), join(root, 'agent/config.ts')];
  const [theirs, ours] = await Promise.all([exportsOf(files, 'typebox'), exportsOf(files, plain)]);
  expect(JSON.stringify(theirs)).toContain('"patternProperties"');
  for (const file of files) expect([file, ours[file]]).toEqual([file, theirs[file]]);
});
