// Collects what is wrong with manifests, so that all of it can be said at once.
import type { Problem } from '../contract/fault.ts';
import { CmigError } from '../core/errors.ts';

/** Keys and list indexes from the root of a document. */
export type Path = readonly (string | number)[];

/** `['spec', 'containers', 0, 'ready']` -> `spec.containers[0].ready` */
export function pathText(path: Path): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!/^[A-Za-z_][-A-Za-z0-9_]*$/.test(segment)) text += `[${shown(segment)}]`;
    else text += text ? `.${segment}` : segment;
  }
  return text || 'the manifest';
}

/** A value as it is quoted in a message: on one line, with control characters escaped, and not too long. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 50)}…${typeof value === 'string' ? '"' : ''}` : text;
}

/** `a`, `a or b`, `a, b or c` */
export function either(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** Nobody mends more of them in one go, and each costs a search for what was meant. */
export const problemsAtMost = 100;

/** So much is wrong that it is no use to look any further. */
export class TooManyProblems extends Error {}

/** The problems of all files of one run, in the order in which a reader meets them. */
export class Problems {
  readonly #found: { problem: Problem; order: readonly number[] }[] = [];
  readonly #seen = new Set<string>();

  get count(): number {
    return this.#found.length;
  }

  /**
   * @throws TooManyProblems where there are enough of them
   * @param where file:line:column
   * @param order what to sort by: number of the file, offset in it
   */
  add(where: string, order: readonly number[], message: string, hint?: string): void {
    const key = `${where}\n${message}`;
    if (this.#seen.has(key)) return;
    if (this.#found.length >= problemsAtMost) throw new TooManyProblems();
    this.#seen.add(key);
    this.#found.push({ problem: { where, message, ...(hint ? { hint } : {}) }, order });
  }

  sorted(): Problem[] {
    const byOrder = (a: readonly number[], b: readonly number[]) =>
      a[0]! - b[0]! || (a[1] ?? 0) - (b[1] ?? 0);
    return this.#found.toSorted((a, b) => byOrder(a.order, b.order)).map(({ problem }) => problem);
  }

  /** @throws CmigError `invalid` with all problems, if there are any */
  throwIfAny(where = 'the manifests; nothing was changed'): void {
    const problems = this.sorted();
    if (problems.length === 0) return;
    const full = problems.length >= problemsAtMost ? 'the first ' : '';
    const count = problems.length === 1 ? 'a problem' : `${full}${problems.length} problems`;
    throw new CmigError('invalid', `${count} in ${where}`, { problems });
  }
}
