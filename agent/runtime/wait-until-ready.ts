// Waits for a container to become ready, as long as its manifest allows.
import { completeContainer } from '../../src/contract/defaults.ts';
import { CmigError } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import { parseDurationMs } from '../../src/core/units.ts';
import type { SupervisedContainer } from './supervised-container.ts';

/**
 * Settles when it is ready, or has ended for good with success.
 * @throws CmigError `failed` where it has ended for good otherwise, `timeout` with what the last probe found; the reason
 * of `signal` where that is aborted
 */
export async function waitUntilReady(it: SupervisedContainer, signal: AbortSignal): Promise<void> {
  const timeout = completeContainer(it.container).ready?.timeout ?? '30s';
  const label = `container ${it.name}`;
  const logs = `see \`cmig logs ${it.application} -c ${it.name}\``;
  try {
    await waitFor(
      () => {
        if (it.ready) return true;
        if (!it.isOver) return false;
        if (it.kept.exitCode === 0) return true;
        throw new CmigError('failed', `${label} ended with exit code ${it.kept.exitCode ?? 'unknown'}`, {
          hint: logs,
        });
      },
      { timeoutMs: parseDurationMs(timeout), intervalMs: 20, what: label, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CmigError) || error.code !== 'timeout') throw error;
    const found = it.message ? `: ${it.message}` : '';
    throw new CmigError('timeout', `${label} was not ready within ${timeout}${found}`, {
      hint: `${logs}; it stays deployed`,
    });
  }
}
