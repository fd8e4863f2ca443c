// A terminal that is none: frames as text come out, keys go in.
import { PassThrough, Writable } from 'node:stream';
import { render } from 'ink';
import type { ReactNode } from 'react';
import { waitFor } from '../../../src/core/retry.ts';

export interface FakeTerminal {
  /** What is on the screen now, without trailing blanks. */
  screen(): string[];
  press(...keys: string[]): void;
  resize(columns: number, rows: number): void;
  /** Settles when the screen shows it. @throws with the screen where it never does */
  shows(what: string | RegExp): Promise<void>;
  ended: Promise<unknown>;
  end(): void;
}

export const keys = {
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  enter: '\r',
  escape: '\x1b',
};

export function openTerminal(columns: number, rows: number, view: ReactNode): FakeTerminal {
  let frame = '';
  const stdout = Object.assign(
    new Writable({
      write(chunk, _, done) {
        frame = String(chunk);
        done();
      },
    }),
    { columns, rows, isTTY: true },
  );
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => {},
    ref: () => {},
    unref: () => {},
  });
  const instance = render(view, {
    stdout,
    stdin,
    debug: true,
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const screen = () => frame.split('\n').map((line) => line.trimEnd());
  return {
    screen,
    press(...pressed) {
      for (const key of pressed) stdin.write(key);
    },
    resize(width, height) {
      Object.assign(stdout, { columns: width, rows: height });
      stdout.emit('resize');
    },
    async shows(what) {
      const found = () => (typeof what === 'string' ? frame.includes(what) : what.test(frame)) || undefined;
      await waitFor(async () => found(), { timeoutMs: 60_000, intervalMs: 5, what: `${what}` }).catch(() => {
        throw new Error(`the screen does not show ${what}:\n${screen().join('\n')}`);
      });
    },
    ended: instance.waitUntilExit(),
    end: () => instance.unmount(),
  };
}
