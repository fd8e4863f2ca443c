// Finds the circles of a directed graph.

/**
 * One circle for each knot of nodes that reach each other, as `[a, b, …, a]`; a shortest one through the first node of
 * the knot. Empty where the graph has an order.
 */
export function findCycles(edges: ReadonlyMap<string, Iterable<readonly [string, unknown]>>): string[][] {
  const neighbours = new Map([...edges].map(([node, out]) => [node, [...out].map(([name]) => name)]));
  const inKnot = new Set<string>();
  const cycles: string[][] = [];
  for (const start of neighbours.keys()) {
    if (inKnot.has(start)) continue;
    const cycle = shortestWayBack(start, neighbours);
    if (!cycle) continue;
    cycles.push(cycle);
    const reached = reachableFrom(start, neighbours);
    for (const node of reached) if (reachableFrom(node, neighbours).has(start)) inKnot.add(node);
  }
  return cycles;
}

function shortestWayBack(start: string, neighbours: ReadonlyMap<string, string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  let edge = [start];
  while (edge.length > 0) {
    const next: string[] = [];
    for (const node of edge) {
      for (const neighbour of neighbours.get(node) ?? []) {
        if (neighbour === start) {
          const way = [node];
          for (let at = node; at !== start; way.unshift(at)) at = cameFrom.get(at)!;
          return [...way, start];
        }
        if (cameFrom.has(neighbour)) continue;
        cameFrom.set(neighbour, node);
        next.push(neighbour);
      }
    }
    edge = next;
  }
  return undefined;
}

function reachableFrom(start: string, neighbours: ReadonlyMap<string, string[]>): Set<string> {
  const reached = new Set<string>([start]);
  for (const node of reached) for (const neighbour of neighbours.get(node) ?? []) reached.add(neighbour);
  return reached;
}
