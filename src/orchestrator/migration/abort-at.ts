// Asks one host to turn back, and hears how the migration truly ended there.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCode } from '../../contract/fault.ts';
import { longestReason } from '../../contract/methods.ts';
import type { Migration } from '../../contract/migration.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { MigrationRun } from './step.ts';

/** Longer than an agent's own limits for turning back. */
const patienceMs = 60_000;
/** An agent that was killed, or has lost the broker, is back within so long if it comes back by itself. */
const awayMs = 15_000;
const againEveryMs = 250;

/**
 * A host that is away for a moment is asked again: it may be asked twice.
 * @returns undefined where the host never heard of the migration.
 * @throws CmigError `needs-attention` where the host does not answer: it turns back by itself when its lease ends, but
 * nobody can say so yet.
 */
export async function abortAt(
  run: MigrationRun,
  host: string,
  reason: { code: FaultCode; message: string },
): Promise<Migration | undefined> {
  const end = performance.now() + awayMs;
  for (;;) {
    try {
      return await run.rpc.callLong(
        host,
        'migration.abort',
        { migration: run.id, reason: reason.message.slice(0, longestReason) },
        { timeoutMs: run.connection.connected ? patienceMs : awayMs },
      );
    } catch (error) {
      if (codeOf(error) === 'not-found') return undefined;
      if (performance.now() >= end) {
        throw new CmigError('needs-attention', `${host} could not be asked to turn back`, {
          hint: `it does so by itself when it has not heard of this command for ${run.leaseMs / 1000} s; look with: cmig get migrations`,
          host,
          cause: error,
        });
      }
      await sleep(againEveryMs);
    }
  }
}
