// The one place that prints errors.
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Fault, Problem, ToolFailure } from '../contract/fault.ts';
import { CmigError, codeOf, toFault } from '../core/errors.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { problemText } from '../core/problem-text.ts';
import { UsageError } from './usage.ts';

export interface PrintErrorOptions {
  /** As one line of JSON, `{"error": …}`. */
  json?: boolean;
  color?: boolean;
  /** Say where in the code it was thrown (CMIG_DEBUG). */
  stack?: boolean;
}

/** The text for an error and the exit code that follows from it. */
export function describeError(
  error: unknown,
  options: PrintErrorOptions = {},
): { text: string; exitCode: number } {
  const exitCode = exitCodes[codeOf(error)];
  const fault = toFault(error);
  if (options.json) return { text: `${JSON.stringify({ error: fault })}\n`, exitCode };
  const paint = (style: 'red' | 'cyan' | 'dim', text: string): string =>
    options.color ? styleText(style, text, { validateStream: false }) : text;
  const lines = [`${paint('red', 'error:')} ${said(fault)}`];
  const warnings = [...(fault.warnings ?? [])];
  for (const problem of fault.problems ?? []) lines.push(...problemLines(problem));
  if (fault.tool) lines.push(...toolLines(fault.tool));
  const hints = fault.hint ? [fault.hint] : [];
  for (let cause = fault.cause; cause; cause = cause.cause) {
    if (cause.message !== fault.message) lines.push(`  because: ${said(cause)}`);
    for (const problem of cause.problems ?? []) lines.push(...problemLines(problem));
    warnings.push(...(cause.warnings ?? []));
    if (cause.tool) lines.push(...toolLines(cause.tool));
    if (cause.hint && !hints.includes(cause.hint)) hints.push(cause.hint);
  }
  for (const warning of warnings) lines.push(`warning: ${plain(problemText(warning))}`);
  for (const hint of hints) lines.push(`${paint('cyan', 'hint:')} ${plain(hint)}`);
  if (error instanceof UsageError) lines.push(`usage: ${error.usage}`);
  if (options.stack && error instanceof Error && error.stack) lines.push(paint('dim', error.stack));
  return { text: `${lines.join('\n')}\n`, exitCode };
}

/** The error of a command that could not write what it had to say. What it did besides, it has done. */
export const outputFailed = (cause: unknown): CmigError =>
  new CmigError('failed', 'standard output cannot be written, so that not all of it is there', {
    hint: 'make room where it goes, or let it go elsewhere; what the command changes, it has changed',
    cause,
  });

/** What came over the network or out of a file must not move the cursor of whoever reads it. */
const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');

function said(fault: Fault): string {
  const message = plain(fault.message).replaceAll('\n', '\n  ');
  return fault.host && !message.includes(fault.host) ? `${message} (host ${fault.host})` : message;
}

function problemLines({ where, message, hint }: Problem): string[] {
  const line = where ? `  ${plain(where)}: ${plain(message)}` : `  ${plain(message)}`;
  return hint ? [`${line} (${plain(hint)})`] : [line];
}

/** Enough to know what was run; `-o json` has all of it. */
const commandLengthAtMost = 160;

/** The command as it may be pasted into a shell, how it ended, and what it said last. */
function toolLines(tool: ToolFailure): string[] {
  const ended = tool.timedOut
    ? 'did not end in time'
    : tool.signal
      ? `ended by ${tool.signal}`
      : `exit code ${tool.exitCode ?? 'unknown'}`;
  const command = plain(tool.argv.map(quoted).join(' '));
  const shown = command.length > commandLengthAtMost ? `${command.slice(0, commandLengthAtMost)} …` : command;
  return [`  command: ${shown} (${ended})`, ...tool.output.map((line) => `  | ${plain(line)}`)];
}

const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
