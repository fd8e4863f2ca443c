// Ctrl-Z: gives the terminal back, stops this process as any other would, and takes the terminal when it goes on.
import { readFileSync } from 'node:fs';
import { useApp } from 'ink';
import { useCallback, useLayoutEffect, useRef } from 'react';

/** Answers what stops this process; it also heeds a SIGTSTP from elsewhere. */
export function useSuspend(): () => void {
  const { suspendTerminal } = useApp();
  const shown = useRef(true);
  const suspended = useRef(false);
  const suspend = useCallback(() => {
    const stopUntilInFront = async (): Promise<void> => {
      suspended.current = true;
      const suspension = await suspendTerminal();
      const listen = heedNone(['SIGTERM', 'SIGHUP', 'SIGINT']);
      // Whoever takes the terminal from the background is stopped for it anyway.
      do {
        const goesOn = new Promise<void>((resolve) => process.once('SIGCONT', () => resolve()));
        process.kill(process.pid, 'SIGSTOP');
        await goesOn;
      } while (!hasTerminal());
      listen();
      if (shown.current) await suspension.resume();
      suspended.current = false;
    };
    if (!suspended.current) void stopUntilInFront().catch(() => {}); // it has just ended
  }, [suspendTerminal]);
  useLayoutEffect(() => {
    shown.current = true;
    process.on('SIGTSTP', suspend);
    return () => {
      shown.current = false;
      process.off('SIGTSTP', suspend);
    };
  }, [suspend]);
  return suspend;
}

/**
 * Lets these signals end the process at once: it has given the terminal back, and from the background it could not even
 * put its modes right without being stopped for it. Answers how to heed them again.
 */
function heedNone(names: readonly NodeJS.Signals[]): () => void {
  const before = names.map((name) => [name, process.listeners(name)] as const);
  for (const name of names) process.removeAllListeners(name);
  return () => {
    for (const [name, listeners] of before) for (const listener of listeners) process.on(name, listener);
  };
}

/** Whether this process is in the foreground of its terminal, by proc(5). */
function hasTerminal(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === foreground;
}
