// The range that applications' addresses are taken from.
import { CmigError } from '../core/errors.ts';

/** An IPv4 range as numbers; `first` and `last` are usable by a machine. */
export interface AddressRange {
  first: number;
  last: number;
}

/** `10.77.0.0/24` -> its usable addresses. @throws CmigError `failed`: it comes from a host, not from a user */
export function parseRange(cidr: string): AddressRange {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  const base = match ? parseAddress(match[1]!) : undefined;
  const bits = Number(match?.[2]);
  if (base === undefined || bits > 30) {
    throw new CmigError('failed', `"${cidr}" is no range for the addresses of applications`, {
      hint: "correct network.range in the agent's configuration; an example is 10.77.0.0/24",
    });
  }
  const size = 2 ** (32 - bits);
  const network = base - (base % size);
  return { first: network + 1, last: network + size - 2 };
}

/** As a number, or undefined where it is no IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

export const isWithin = (range: AddressRange, address: string): boolean => {
  const number = parseAddress(address);
  return number !== undefined && number >= range.first && number <= range.last;
};

/** By custom the first addresses of a range belong to gateways and hosts, so they are chosen last. */
const kept = 9;

/** The first address that nobody has. @throws CmigError `conflict` where none is left */
export function chooseAddress(range: AddressRange, taken: ReadonlySet<string>): string {
  const size = range.last - range.first + 1;
  const start = size > 2 * kept ? kept : 0;
  for (let step = 0; step < size; step++) {
    const address = formatAddress(range.first + ((start + step) % size));
    if (!taken.has(address)) return address;
  }
  throw new CmigError(
    'conflict',
    `no address is left between ${formatAddress(range.first)} and ${formatAddress(range.last)}`,
    {
      hint: 'delete an application, or give the hosts a wider network.range',
    },
  );
}
