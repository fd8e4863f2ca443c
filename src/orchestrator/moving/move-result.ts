// How it went with each of several applications that were to be moved, and with all of them.
import type { Fault, FaultCode } from '../../contract/fault.ts';
import type { MigrationOutcome } from '../../contract/migration.ts';
import type { MigrationReport } from '../migration/migrate.ts';

export type MoveOutcome =
  | MigrationOutcome
  /** A dry run: preflight agrees. */
  | 'possible'
  /** No host takes it: preflight, or no memory, or no host. */
  | 'refused'
  /** Another reason kept it from being begun. */
  | 'failed'
  /** Not begun, or not gone through with, since the command was interrupted. */
  | 'cancelled'
  /** Stays by itself: it is stopped, or is where it should be. */
  | 'left'
  /** Has left the host, or has been deleted, by somebody else's doing. */
  | 'gone';

/** Stable: part of what `drain -o json` and `migrate -l -o json` print. */
export interface MoveResult {
  application: string;
  from: string;
  /** Where it went, would go, or was tried last. */
  to?: string;
  outcome: MoveOutcome;
  /** Why it was left. */
  note?: string;
  /** As `migrate -o json` prints it. */
  report?: MigrationReport;
  error?: Fault;
}

/** The worst first. */
const severity: readonly FaultCode[] = [
  'needs-attention',
  'cancelled',
  'failed',
  'tool-failed',
  'timeout',
  'unsupported',
  'invalid',
  'unreachable',
  'incompatible',
  'rolled-back',
  'conflict',
  'not-found',
  'preflight-refused',
];

/** The worst of what has happened; undefined where all went well. */
export function worstOf(results: readonly MoveResult[], interrupted = false): FaultCode | undefined {
  const codes = results.flatMap((result) => codeOfResult(result) ?? []);
  if (codes.length === 0) return undefined;
  if (codes.includes('needs-attention')) return 'needs-attention';
  if (interrupted) return 'cancelled';
  return codes.sort((a, b) => severity.indexOf(a) - severity.indexOf(b))[0];
}

function codeOfResult({ outcome, error }: MoveResult): FaultCode | undefined {
  switch (outcome) {
    case 'committed':
    case 'possible':
    case 'left':
    case 'gone':
      return undefined;
    case 'refused':
      return 'preflight-refused';
    case 'failed':
      return error?.code ?? 'failed';
    default:
      return outcome;
  }
}
