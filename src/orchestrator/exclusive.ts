// One orchestrator at a time may change an application.
import { hostname, userInfo } from 'node:os';
import { acquireMutex } from '../broker/mutex.ts';
import { codeOf } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import type { OrchestratorContext } from './context.ts';

/**
 * Runs `work` while this process holds the mutex of an application.
 * @param doing what the holder is said to do, such as `cmig apply`
 * @throws CmigError `conflict` that says who holds it
 */
export async function withApplicationMutex<T>(
  { connection }: OrchestratorContext,
  application: string,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  const mutex = await acquireMutex(connection, application, holderName(doing));
  try {
    return await work();
  } finally {
    await mutex.release();
  }
}

/** No name of an application, so that it is nobody's mutex. */
const addresses = '+addresses';
const longestTurnMs = 30_000;

/**
 * Runs `work` while nobody else gives an address or a host port away: for the moment from looking at what is taken until what was
 * chosen is known to its host. Waits for its turn.
 * @throws CmigError `timeout`
 */
export async function withNetworkMutex<T>(
  { connection }: OrchestratorContext,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  const mutex = await waitFor(
    () =>
      acquireMutex(connection, addresses, holderName(doing)).catch((error) => {
        if (codeOf(error) === 'conflict') return undefined;
        throw error;
      }),
    { timeoutMs: longestTurnMs, intervalMs: 50, what: 'a turn to choose an address and host ports' },
  );
  try {
    return await work();
  } finally {
    await mutex.release();
  }
}

/** `ann@laptop (cmig apply, process 4711)`. */
export const holderName = (doing: string): string =>
  `${userInfo().username}@${hostname()} (${doing}, process ${process.pid})`;
