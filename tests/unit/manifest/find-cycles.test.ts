// Circles of dependencies.
import { describe, expect, it } from '@jest/globals';
import { findCycles } from '../../../src/manifest/find-cycles.ts';

/** `a>b b>c` as edges. */
function graph(text: string): Map<string, Map<string, null>> {
  const edges = new Map<string, Map<string, null>>();
  for (const [from, to] of text.split(' ').map((edge) => edge.split('>') as [string, string])) {
    edges.set(from, (edges.get(from) ?? new Map()).set(to, null));
    if (!edges.has(to)) edges.set(to, new Map());
  }
  return edges;
}

describe('findCycles', () => {
  it.each([
    ['a>b b>c a>c', []],
    ['a>a', [['a', 'a']]],
    ['a>b b>a', [['a', 'b', 'a']]],
    ['x>a a>b b>c c>a', [['a', 'b', 'c', 'a']]],
    ['a>b b>c c>a c>d d>c', [['a', 'b', 'c', 'a']]],
    [
      'a>b b>a b>c c>d d>c',
      [
        ['a', 'b', 'a'],
        ['c', 'd', 'c'],
      ],
    ],
  ])('%s', (edges, expected) => {
    expect(findCycles(graph(edges))).toEqual(expected);
  });

  it('is not slowed down by many ways through a graph', () => {
    const layers = Array.from({ length: 30 }, (_, i) => [
      `a${i}>a${i + 1}`,
      `a${i}>b${i + 1}`,
      `b${i}>a${i + 1}`,
      `b${i}>b${i + 1}`,
    ]);
    expect(findCycles(graph(layers.flat().join(' ')))).toEqual([]);
  });
});
