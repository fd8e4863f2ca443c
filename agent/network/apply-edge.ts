// Puts the rules of an application's edge into its network namespace.
import { existsSync } from 'node:fs';
import { runProcess } from '../../src/core/run-process.ts';
import { namespacePath } from './namespace-path.ts';

/** Nothing where there is no namespace (any more). */
export async function applyEdge(application: string, rules: string): Promise<void> {
  const path = namespacePath(application);
  if (!existsSync(path)) return;
  await runProcess('nsenter', [`--net=${path}`, '--', 'nft', '-f', '-'], { input: rules, timeoutMs: 10_000 });
}
