// One orchestrator at a time may change an application.
import { hostname, userInfo } from 'node:os';
import { acquireMutex } from '../broker/mutex.ts';
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

/** `ann@laptop (cmig apply, process 4711)`. */
export const holderName = (doing: string): string =>
  `${userInfo().username}@${hostname()} (${doing}, process ${process.pid})`;
