// The time, for ages that grow on the screen.
import { useEffect, useState } from 'react';

/** Milliseconds since the epoch, at least as new as the last drawing asked for and every `everyMs` anew. */
export function useClock(everyMs: number): number {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return Date.now();
}
