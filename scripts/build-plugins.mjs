// esbuild plugins that spare a short command the loading of what it does not use, and of many small files.
import { readFile } from 'node:fs/promises';

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

/** What is loaded with a file of ours whatever the command: without this esbuild makes a file of each. */
const companions = {
  'src/core/errors.ts': ['./near-names.ts', './exit-codes.ts', '../contract/strategy-names.ts'],
  'src/cli/session.ts': [
    '../orchestrator/inventory.ts',
    '../view/resource-output.ts',
    '../view/resource-words.ts',
    './inventory-warnings.ts',
  ],
};

export const together = {
  name: 'together',
  setup(build) {
    build.onLoad({ filter: /\/src\/(core\/errors|cli\/session)\.ts$/ }, async ({ path }) => {
      const imports = companions[path.slice(path.lastIndexOf('src/'))].map((file) => `import '${file}';`);
      return { contents: [await readFile(path, 'utf8'), ...imports].join('\n'), loader: 'ts' };
    });
  },
};
