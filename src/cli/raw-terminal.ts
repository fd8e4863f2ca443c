// The terminal of the person, handed over to a program elsewhere: every key goes there as it is.
import type { TerminalRequest, TerminalSize } from '../contract/terminal.ts';
import type { Invocation } from './command.ts';

type Keyboard = Invocation['stdin'] & { isRaw?: boolean; setRawMode?: (raw: boolean) => void };
type Screen = Invocation['stdout'] & { rows?: number };

/** What it is, where standard input is one; a size that nobody knows is the usual one. */
export function terminalOf({ stdin, stdout, stderr }: Invocation): TerminalRequest | undefined {
  if (!stdin.isTTY) return undefined;
  const type = process.env.TERM;
  return {
    ...sizeOf(screenOf(stdout, stderr)),
    ...(type && /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/.test(type) ? { type } : {}),
  };
}

/**
 * Takes the keys as they are, Ctrl-C and Ctrl-Z too, and listens to changes of the size, of which `known` is the one that
 * the other end has been told. @returns what gives the terminal back; it is given back as well when this process ends, a
 * crash included
 */
export function takeTerminal(
  { stdin, stdout, stderr }: Invocation,
  known: TerminalSize,
  onResize: (size: TerminalSize) => void,
): () => void {
  const keyboard = stdin as Keyboard;
  const screen = screenOf(stdout, stderr);
  const restore = (): void => {
    if (keyboard.isRaw) keyboard.setRawMode?.(false);
  };
  const resized = (): void => onResize(sizeOf(screen));
  process.on('exit', restore);
  keyboard.setRawMode?.(true);
  screen?.on('resize', resized);
  const { rows, columns } = sizeOf(screen);
  if (rows !== known.rows || columns !== known.columns) resized();
  return () => {
    screen?.off('resize', resized);
    restore();
    process.off('exit', restore);
  };
}

const screenOf = (...streams: Screen[]): Screen | undefined => streams.find(({ isTTY }) => isTTY);

const sizeOf = (screen: Screen | undefined): TerminalSize => ({
  rows: screen?.rows || 24,
  columns: screen?.columns || 80,
});
