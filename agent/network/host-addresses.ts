// The hosts' own addresses among the applications: the last ones of the range, which are given to applications last.
import { createHash } from 'node:crypto';
import { CmigError } from '../../src/core/errors.ts';

const atMost = 254;

/** `10.77.0.0/17` -> 10.77.127.1 to 10.77.127.254; of a small range the last quarter. @throws CmigError `invalid` */
export function hostAddresses(range: string): string[] {
  const [base = '', length = ''] = range.split('/');
  const bytes = base.split('.').map(Number);
  const bits = Number(length);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte < 256)) || !(bits >= 8 && bits <= 28)) {
    throw new CmigError('invalid', `network.range ${range} is no range for an overlay`, {
      hint: 'write it as 10.77.0.0/17, with a prefix of 8 to 28 bits',
    });
  }
  const size = 2 ** (32 - bits);
  const start = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const network = start - (start % size);
  const count = Math.min(atMost, size / 4 - 1);
  return Array.from({ length: count }, (_, index) => {
    const address = network + size - 1 - count + index;
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
  });
}

/** Follows from the name, as long as nobody has it. @throws CmigError `conflict` where none is left */
export function chooseHostAddress(range: string, name: string, taken: ReadonlySet<string>): string {
  const all = hostAddresses(range);
  const start = createHash('sha256').update(name).digest().readUInt32BE(0);
  for (let step = 0; step < all.length; step++) {
    const address = all[(start + step) % all.length]!;
    if (!taken.has(address)) return address;
  }
  throw new CmigError('conflict', `no address of ${range} is left for this host`, {
    hint: 'give all hosts a wider network.range',
  });
}

/** A locally administered address that follows from the IP address. */
export const hostMac = (address: string): string =>
  ['02', '6d', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
