// The linter refuses imports against the one direction: tried with a file that imports everything, in every folder.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runProcess } from '../../src/core/run-process.ts';

const root = join(import.meta.dirname, '../..');
const below = ['contract', 'core', 'manifest', 'broker', 'authority'];
const allowed: Record<string, string[]> = {
  contract: [],
  core: ['contract'],
  manifest: ['contract', 'core'],
  broker: ['contract', 'core'],
  authority: ['contract', 'core'],
  orchestrator: below,
  lab: below,
  view: [...below, 'orchestrator'],
  tui: [...below, 'orchestrator', 'view'],
  cli: [...below, 'orchestrator', 'view', 'tui', 'lab'],
};
const folders = Object.keys(allowed);
const programStarters = ['execa', 'node:child_process'];
const screens = ['chalk', 'ink', 'listr2', 'react'];

/** file:line -> what is imported there. */
const imports = new Map<string, string>();
let refused: string[] = [];
let directory: string;

async function probe(file: string, toSrc: string, toAgent?: string): Promise<void> {
  const specifiers = [
    ...folders.map((folder) => `${toSrc}/${folder}/probe.ts`),
    ...(toAgent ? [`${toAgent}/probe.ts`] : []),
    ...programStarters,
    ...screens,
  ];
  const lines = specifiers.map((specifier) => `export * from '${specifier}';`);
  for (const [index, specifier] of specifiers.entries()) {
    const target = specifier.startsWith('.') ? specifier.split('/').at(-2)! : specifier;
    imports.set(`${file}:${index + 1}`, target);
  }
  await mkdir(dirname(join(directory, file)), { recursive: true });
  await writeFile(join(directory, file), `${lines.join('\n')}\n`);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cmig-lint-'));
  const config = JSON.parse(await readFile(join(root, 'biome.json'), 'utf8'));
  await writeFile(join(directory, 'biome.json'), JSON.stringify({ ...config, $schema: undefined, vcs: {} }));
  for (const folder of folders) await probe(`src/${folder}/nested/probe.ts`, '../..', '../../../agent');
  await probe('src/core/run-process.ts', '..', '../../agent');
  await probe('agent/nested/probe.ts', '../../src');
  await cp(join(root, 'package.json'), join(directory, 'package.json'));
  const biome = join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--only=style/noRestrictedImports', '--max-diagnostics=none', '--reporter=github'];
  const { stdout } = await runProcess(biome, args, { cwd: directory, allowedExitCodes: [0, 1] });
  const errors = stdout.matchAll(/file=([^,]+),line=(\d+)/g);
  refused = [...errors].map(([, file, line]) => `${relative(directory, file!)}:${line}`);
});
afterAll(() => rm(directory, { recursive: true }));

function refusedIn(file: string): string[] {
  return refused.filter((place) => place.startsWith(`${file}:`)).map((place) => imports.get(place)!);
}

describe('imports', () => {
  it.each(folders)('src/%s may import what is below it and nothing else', (folder) => {
    const knowsScreens = ['view', 'tui', 'cli'].includes(folder);
    const expected = [
      ...folders.filter((other) => other !== folder && !allowed[folder]!.includes(other)),
      'agent',
      ...programStarters,
      ...(knowsScreens ? [] : screens),
    ];
    expect(refusedIn(`src/${folder}/nested/probe.ts`).sort()).toEqual(expected.sort());
  });

  it('lets run-process.ts alone start programs', () => {
    const found = refusedIn('src/core/run-process.ts');
    expect(found).not.toContain('execa');
    expect(found).toEqual(expect.arrayContaining(['broker', 'agent', 'ink']));
  });

  it('lets the agent have contract, core and broker', () => {
    const foreign = folders.filter((folder) => !['contract', 'core', 'broker'].includes(folder));
    expect(refusedIn('agent/nested/probe.ts').sort()).toEqual(
      [...foreign, ...programStarters, ...screens].sort(),
    );
  });
});
