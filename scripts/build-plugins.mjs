// esbuild plugins that spare a short command the loading of what it does not use, and of many small files.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Importing a module of Node's from an ES module copies all that it exports, for which Node opens what it would load
 * later or never (streams, text decoders). This takes only what is used. Each file has it anew: shared, it would be one
 * more file to load.
 */
export const leanBuiltins = {
  name: 'lean-builtins',
  setup(build) {
    // ink takes modules whole, and with that every command would: it gets Node's own, as it asks for them.
    build.onResolve({ filter: /^node:/ }, ({ path, kind, importer }) =>
      kind === 'require-call' || importer.includes('/node_modules/ink/')
        ? undefined
        : { path, suffix: `?${importer}`, namespace: 'lean-builtin', sideEffects: false },
    );
    build.onLoad({ filter: /./, namespace: 'lean-builtin' }, ({ path }) => {
      const names = Object.getOwnPropertyNames(process.getBuiltinModule(path)).filter(
        (name) => name !== 'default' && /^[A-Za-z_$][\w$]*$/.test(name),
      );
      const lines = names.map(
        (name, index) =>
          `const x${index} = /* @__PURE__ */ (() => builtin.${name})(); export { x${index} as ${name} };`,
      );
      const contents = `const builtin = /* @__PURE__ */ process.getBuiltinModule('${path}'); export default builtin;`;
      return { contents: [contents, ...lines].join('\n') };
    });
  },
};

/** amqplib loads TLS for a broker that may not want it, commander a way to start programs that we have no use for. */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?(tls|child_process)$/ }, ({ path, importer }) =>
      /\/node_modules\/(amqplib|commander)\//.test(importer)
        ? { path: path.replace('node:', ''), namespace: 'lazy-builtin' }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'lazy-builtin' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule('${path}')[name] });`,
    }));
  },
};

/** yoga takes its WebAssembly out of itself by `fetch`, for which Node loads all that it knows of HTTP; it can without. */
export const fetchlessYoga = {
  name: 'fetchless-yoga',
  setup(build) {
    build.onLoad({ filter: /\/yoga-wasm-base64-esm\.js$/ }, async ({ path }) => ({
      contents: `var fetch;${await readFile(path, 'utf8')}`,
    }));
  },
};

/**
 * esbuild makes a file of whatever is loaded by the same commands, which for a short command are forty files; each costs
 * as much as a long function. So that it makes a few of them: whoever loads something of a group loads all of it.
 * The groups are what every command loads, what only those load that talk to the broker, and what they share with others.
 * @param inputs of the metafile of a build without this
 */
export const together = (inputs, { root, main, typical, connected }) => ({
  name: 'together',
  setup(build) {
    const entries = [main, ...importsOf(inputs, 'dynamic-import')].map((path) => [
      path,
      closure(inputs, path),
    ]);
    const always = closure(inputs, main);
    const usual = [...closure(inputs, typical)].filter((path) => !always.has(path));
    const others = entries.filter(([, loaded]) => !loaded.has(connected));
    const isShared = (path) => others.some(([, loaded]) => loaded.has(path));
    const groups = [
      [...always].filter((path) => path !== main),
      usual.filter((path) => path !== typical && !isShared(path)),
      usual.filter(isShared),
    ].map((group) => group.filter((path) => path.startsWith('src/')));
    const additions = new Map(
      entries.map(([entry, loaded]) => [
        join(root, entry),
        groups.filter((group) => group.some((path) => loaded.has(path))).flat(),
      ]),
    );
    build.onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
      const added = additions.get(path);
      if (!added) return undefined;
      const imports = added.map((file) => `import ${JSON.stringify(join(root, file))};`);
      const contents = [await readFile(path, 'utf8'), ...imports].join('\n');
      return { contents, loader: path.endsWith('x') ? 'tsx' : 'ts' };
    });
  },
});

/** All that any file imports in this way. */
const importsOf = (inputs, kind) =>
  new Set(
    Object.values(inputs).flatMap(({ imports }) =>
      imports.filter((each) => each.kind === kind && each.path in inputs).map(({ path }) => path),
    ),
  );

/** What is loaded with a file. */
function closure(inputs, from, found = new Set()) {
  if (found.has(from)) return found;
  found.add(from);
  for (const { kind, path } of inputs[from].imports)
    if (kind !== 'dynamic-import' && path in inputs) closure(inputs, path, found);
  return found;
}
