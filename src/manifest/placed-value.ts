// YAML nodes -> plain data beside the offsets it stands at; aliases and merge keys are resolved within bounds.
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Place } from './document.ts';
import { shown } from './problems.ts';

/** The most values that a document may have, aliases counted as often as they are used. */
export const maxValues = 100_000;
/** The deepest nesting of lists and mappings; the schema needs 8. */
export const maxDepth = 64;

/** Why a document cannot be read any further. */
export class YamlProblem extends Error {
  readonly offset: number;
  readonly hint: string | undefined;

  constructor(offset: number, message: string, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

interface Report {
  /** Adds a problem that does not keep the rest from being read. */
  add: (offset: number, message: string, hint?: string) => void;
  where: (offset: number) => string;
}

interface Placed {
  value: unknown;
  place: Place;
  /** How many values it holds, itself included. */
  size: number;
}

/**
 * Converts the root node of a document.
 * @throws YamlProblem where it expands to too much, is nested too deeply or refers to itself
 */
export function placedValue(root: Node, report: Report): Placed {
  const anchors = new Map<string, Placed | 'open'>();
  let total = 0;

  const count = (size: number, offset: number): void => {
    total += size;
    if (total > maxValues) {
      throw new YamlProblem(
        offset,
        `has more than ${maxValues} values`,
        anchors.size > 0 ? 'are its aliases (*name) meant to multiply like this?' : 'is this a manifest?',
      );
    }
  };

  const convert = (node: unknown, depth: number): Placed => {
    const at = offsetOf(node);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === 'open')
        throw new YamlProblem(at, `the alias *${node.source} stands inside of what it refers to`);
      if (!target) {
        report.add(
          at,
          `there is no anchor &${node.source} before this alias`,
          'put text that begins with * in quotes',
        );
        return { value: null, place: { at, keyAt: at, children: new Map() }, size: 1 };
      }
      count(target.size, at);
      return target;
    }
    if (depth > maxDepth) throw new YamlProblem(at, `is nested deeper than ${maxDepth} levels`);
    count(1, at);
    const anchor = (node as Partial<Node> & { anchor?: string })?.anchor;
    if (anchor) anchors.set(anchor, 'open');
    const place: Place = { at, keyAt: at, children: new Map() };
    const before = total;
    let value: unknown;
    if (isMap(node)) value = mapping(node, place, depth);
    else if (isSeq(node)) {
      value = node.items.map((item, index) => {
        const child = convert(item, depth + 1);
        place.children.set(index, { ...child.place, keyAt: offsetOf(item, child.place.at) });
        return child.value;
      });
    } else value = isScalar(node) ? scalar(node.value, at) : null;
    const placed = { value, place, size: 1 + total - before };
    if (anchor) anchors.set(anchor, placed);
    return placed;
  };

  const scalar = (value: unknown, at: number): unknown => {
    if (typeof value === 'string' && value.includes('\0')) {
      report.add(at, 'text may not hold a NUL character');
      return value.replaceAll('\0', '');
    }
    // Dates, sets and bytes come from tags of YAML 1.1.
    if (typeof value === 'object' && value !== null) {
      report.add(at, 'has a tag that has no meaning in a manifest');
      return null;
    }
    return value;
  };

  const mapping = (node: YAMLMap, place: Place, depth: number): Record<string, unknown> => {
    const value: Record<string, unknown> = {};
    const merged: { value: Record<string, unknown>; place: Place }[] = [];
    for (const pair of node.items as Pair[]) {
      const keyAt = offsetOf(pair.key, place.at);
      const key = keyText(pair.key);
      if (key === undefined) {
        report.add(keyAt, 'a key must be plain text', 'is a ":" or a "{" at the wrong place?');
        continue;
      }
      if (key === '__proto__') {
        report.add(keyAt, 'the key "__proto__" is not allowed');
        continue;
      }
      const child = convert(pair.value, depth + 1);
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(...mergeSources(child, keyAt));
        continue;
      }
      const first = place.children.get(key);
      if (first) {
        report.add(
          keyAt,
          `the key ${shown(key)} is given twice`,
          `it is first given at ${report.where(first.keyAt)}`,
        );
        continue;
      }
      value[key] = child.value;
      place.children.set(key, { ...child.place, at: pair.value ? child.place.at : keyAt, keyAt });
    }
    // What is written out wins over what is merged, an earlier source over a later one.
    for (const source of merged) {
      for (const [key, inherited] of Object.entries(source.value)) {
        if (Object.hasOwn(value, key)) continue;
        value[key] = inherited;
        const from = source.place.children.get(key);
        if (from) place.children.set(key, from);
      }
    }
    return value;
  };

  const mergeSources = (child: Placed, keyAt: number): { value: Record<string, unknown>; place: Place }[] => {
    const parts = Array.isArray(child.value)
      ? child.value.map((value, index) => ({ value, place: child.place.children.get(index)! }))
      : [child];
    return parts.flatMap(({ value, place }) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        const fields = value as Record<string, unknown>;
        count(Object.keys(fields).length, keyAt);
        return [{ value: fields, place }];
      }
      report.add(keyAt, 'the merge key << takes a mapping or a list of mappings', 'write <<: *name');
      return [];
    });
  };

  return convert(root, 0);
}

function offsetOf(node: unknown, otherwise = 0): number {
  return (node as Partial<Node> | null | undefined)?.range?.[0] ?? otherwise;
}

/** The text of a key, or undefined where it is none. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === 'string') return key.value;
  if (typeof key.value === 'number' || typeof key.value === 'boolean') return key.source ?? String(key.value);
  return undefined;
}
