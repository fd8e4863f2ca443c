// Draws the view on a terminal until it is quit, and gives the terminal back as it was, however that comes about.
import { render } from 'ink';
import { App } from './app.tsx';
import type { Surroundings } from './surroundings.ts';

export interface RunTopologyOptions {
  surroundings: Surroundings;
  filter: string;
  signal: AbortSignal;
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
}

/** Settles when it was quit, or `signal` was aborted. @throws what went wrong in it, with the terminal given back */
export async function runTopology(options: RunTopologyOptions): Promise<void> {
  const { surroundings, filter, signal, stdin, stdout } = options;
  const view = render(<App surroundings={surroundings} filter={filter} />, {
    stdin,
    stdout,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    // Who asked for it has said so; an environment variable of a CI does not count.
    interactive: true,
    // What happens is told a few times a second; a key that comes just after a picture is not to wait long for the next.
    maxFps: 60,
  });
  const end = (): void => view.unmount();
  let crash: unknown;
  // An error that nobody catches would end the process with the terminal as it is, and be lost with the screen.
  const onCrash = (error: unknown): void => {
    crash ??= error ?? new Error('unknown error');
    view.unmount();
  };
  signal.addEventListener('abort', end, { once: true });
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  try {
    if (signal.aborted) end();
    await view.waitUntilExit();
  } finally {
    process.off('uncaughtException', onCrash);
    process.off('unhandledRejection', onCrash);
    signal.removeEventListener('abort', end);
  }
  if (crash !== undefined) throw crash;
}
