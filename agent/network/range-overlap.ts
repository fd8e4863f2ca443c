// Whether the range of applications leaves out the networks by which hosts are reached: it is routed to the bridge.
import { CmigError } from '../../src/core/errors.ts';

export interface OtherNetwork {
  /** Such as "the broker". */
  what: string;
  /** An address, or a network in CIDR notation. What is neither has no part in it. */
  network: string;
}

interface Network {
  base: number;
  bits: number;
}

function parse(text: string): Network | undefined {
  const [, ...digits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (digits.length === 0) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits] = digits.map((each) => (each === undefined ? 32 : Number(each)));
  return { base: ((a * 256 + b) * 256 + c) * 256 + d, bits: bits ?? 32 };
}

const overlap = (one: Network, other: Network): boolean => {
  const size = 2 ** (32 - Math.min(one.bits, other.bits));
  return Math.floor(one.base / size) === Math.floor(other.base / size);
};

/** @throws CmigError `conflict` that names what would be cut off */
export function refuseOverlap(range: string, others: readonly OtherNetwork[]): void {
  const own = parse(range);
  const hit = others.filter(({ network }) => {
    const other = parse(network);
    return own && other && overlap(own, other);
  });
  if (hit.length === 0) return;
  const names = hit.map(({ what, network }) => `${what} (${network})`).join(', ');
  throw new CmigError('conflict', `network.range ${range} takes in ${names}, which would be cut off`, {
    hint: 'give all hosts a range that is nobody else’s, such as 10.77.0.0/17',
  });
}
