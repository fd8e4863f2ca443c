// Waits for work only as long as nobody asks to stop; what was begun goes on unheard.
import { CmigError } from './errors.ts';

/**
 * @param what is cancelled, for the message
 * @param hint what goes on, and where to see it
 * @throws CmigError `cancelled` as soon as the signal is aborted
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
  hint?: string,
): Promise<T> {
  if (!signal) return work;
  work.catch(() => {});
  const cancelled = () => new CmigError('cancelled', `${what} was cancelled`, { hint });
  if (signal.aborted) throw cancelled();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(cancelled());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
