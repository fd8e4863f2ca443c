// Bundles the two programs into dist/: the command line, split so that a command loads only what it uses, and the
// agent as one file. With --if-changed it does nothing when no source is newer than the last build.
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchlessYoga, lazyBuiltins, leanBuiltins, together } from './build-plugins.mjs';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const sources = ['src', 'agent', 'package-lock.json'].concat(
  ['build', 'build-plugins', 'plain-typebox'].map((name) => `scripts/${name}.mjs`),
);

const programs = [
  { name: 'cmig', entry: 'src/cli/main.ts', splitting: true },
  { name: 'cmig-agent', entry: 'agent/main.ts', splitting: false },
];

/** By which it is known what most commands load. */
const commands = { typical: 'src/cli/commands/get.ts', connected: 'src/broker/connection.ts' };

// Some dependencies are CommonJS inside and ask for `require`, `__filename` and `__dirname`.
const banner = [
  "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('');

/** Newest modification, in ms, of a file or of anything in a folder (a folder itself changes when a file goes). */
async function newest(path) {
  const { mtimeMs } = await stat(path);
  let latest = mtimeMs;
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries)
    latest = Math.max(latest, (await stat(join(entry.parentPath, entry.name))).mtimeMs);
  return latest;
}

async function isCurrent() {
  const built = await stat(stamp).catch(() => undefined);
  if (!built) return false;
  const times = await Promise.all(sources.map((path) => newest(join(root, path))));
  return times.every((time) => time <= built.mtimeMs);
}

async function build({ name, entry, splitting }, outdir, esbuild) {
  const options = {
    absWorkingDir: root,
    entryPoints: { [name]: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: `${name}-[name]-[hash]`,
    bundle: true,
    splitting,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    jsx: 'automatic',
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    // its CommonJS build, which Node would take, has no named exports for a dynamic import within a bundle
    alias: {
      yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      'json-p3': join(root, 'node_modules/json-p3/dist/json-p3.esm.js'),
      typebox: join(root, 'scripts/plain-typebox.mjs'),
    },
    // ink loads it only when its developer tools are asked for
    external: ['react-devtools-core'],
    banner: { js: banner },
    plugins: splitting ? [lazyBuiltins, leanBuiltins, fetchlessYoga] : [lazyBuiltins],
    logLevel: 'warning',
  };
  if (splitting) {
    const { metafile } = await esbuild.build({ ...options, metafile: true, write: false });
    options.plugins.push(together(metafile.inputs, { root, main: entry, ...commands }));
  }
  await esbuild.build(options);
}

/** Most files have no such dependency in them; the empty line keeps the source maps right. */
async function dropUnusedBanners(outdir) {
  for (const name of await readdir(outdir)) {
    if (!name.endsWith('.mjs')) continue;
    const path = join(outdir, name);
    const text = await readFile(path, 'utf8');
    const body = text.slice(text.indexOf(banner) + banner.length);
    if (text.includes(banner) && !/\b(require|__filename|__dirname)\b/.test(body))
      await writeFile(path, text.replace(banner, ''));
  }
}

const started = new Date();
if (process.argv.includes('--if-changed') && (await isCurrent())) process.exit(0);
const esbuild = await import('esbuild');
const missing = [];
for (const { entry } of programs)
  if (!(await stat(join(root, entry)).catch(() => undefined))) missing.push(entry);
if (missing.length > 0) {
  console.error(`build: there is no ${missing.join(' and no ')}`);
  process.exit(1);
}
// Built aside and swapped in, so that a command started meanwhile finds either the old programs or the new ones.
const aside = join(root, `.dist-${process.pid}`);
try {
  for (const program of programs) await build(program, aside, esbuild);
  await dropUnusedBanners(aside);
  await writeFile(join(aside, '.built'), '');
  await utimes(join(aside, '.built'), started, started);
  await mkdir(dist, { recursive: true });
  const old = `${aside}-old`;
  await rename(dist, old);
  await rename(aside, dist);
  await rm(old, { recursive: true, force: true });
} catch (error) {
  await rm(aside, { recursive: true, force: true });
  console.error(`build: ${error.errors ? `${error.errors.length} error(s), see above` : error.message}`);
  process.exit(1);
}
