// Ctrl-Z: gives the terminal back, stops this process as any other would, and takes the terminal when it goes on.
import { type TerminalSuspension, useApp } from 'ink';
import { useCallback, useEffect } from 'react';

/** Answers what stops this process; it also heeds a SIGTSTP from elsewhere. */
export function useSuspend(): () => void {
  const { suspendTerminal } = useApp();
  const suspend = useCallback(() => {
    const whole = async (): Promise<void> => {
      const suspension: TerminalSuspension = await suspendTerminal();
      const resumed = new Promise<void>((resolve) => process.once('SIGCONT', () => resolve()));
      process.kill(process.pid, 'SIGSTOP');
      await resumed;
      await suspension.resume();
    };
    void whole().catch(() => {}); // not drawn on a terminal that can be handed over
  }, [suspendTerminal]);
  useEffect(() => {
    process.on('SIGTSTP', suspend);
    return () => void process.off('SIGTSTP', suspend);
  }, [suspend]);
  return suspend;
}
