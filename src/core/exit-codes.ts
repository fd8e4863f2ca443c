// The one table of exit codes.
import type { FaultCode } from '../contract/fault.ts';

export const exitCodes: Record<FaultCode, number> = {
  invalid: 2,
  'not-found': 3,
  conflict: 4,
  'preflight-refused': 5,
  'rolled-back': 6,
  'needs-attention': 7,
  forbidden: 9,
  unreachable: 8,
  incompatible: 8,
  'tool-failed': 1,
  timeout: 1,
  cancelled: 130,
  unsupported: 1,
  failed: 1,
};

/** What each exit code says, for the documentation and `cmig --help`. */
export const exitCodeMeanings: Record<number, string> = {
  0: 'done',
  1: 'failed (for diff: there is a difference)',
  2: 'wrong usage or invalid manifest',
  3: 'not found',
  4: 'conflict',
  5: 'preflight refused',
  6: 'rolled back',
  7: 'needs attention',
  8: 'broker or host unreachable',
  9: 'forbidden: it takes another role',
  130: 'cancelled, after the rollback',
};
