// Findings in short, and the words of a command in a shell.
import type { Finding } from '../../src/contract/diagnosis.ts';

/** What a check has to say, without its own name. */
export type Said = Omit<Finding, 'check'>;

export const ok = (message: string): Said => ({ level: 'ok', message });

interface Cure {
  command?: string | undefined;
  hint?: string | undefined;
}

const withCure = (level: Said['level'], message: string, { command, hint }: Cure): Said => ({
  level,
  message,
  ...(command ? { command } : {}),
  ...(hint ? { hint } : {}),
});

/** It works, but not as well as it could, or something lies about. */
export const warning = (message: string, cure: Cure = {}): Said => withCure('warning', message, cure);

/** Something will not work. */
export const problem = (message: string, cure: Cure = {}): Said => withCure('problem', message, cure);

/** One word of a shell's command. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
