// The one error class that carries a fault: thrown where it happens, printed in one place.
import type { Fault, FaultCode, Problem, ToolFailure } from '../contract/fault.ts';

export interface CmigErrorOptions {
  hint?: string | undefined;
  host?: string | undefined;
  cause?: unknown;
  tool?: ToolFailure | undefined;
  problems?: Problem[] | undefined;
  warnings?: Problem[] | undefined;
}

/** An error that says what happened, to what, and what to do. */
export class CmigError extends Error {
  readonly code: FaultCode;
  readonly hint: string | undefined;
  readonly host: string | undefined;
  readonly tool: ToolFailure | undefined;
  readonly problems: Problem[] | undefined;
  /** What was found beside the problems, and would not have been refused by itself. */
  readonly warnings: Problem[] | undefined;

  constructor(code: FaultCode, message: string, options: CmigErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CmigError';
    this.code = code;
    this.hint = options.hint;
    this.host = options.host;
    this.tool = options.tool;
    this.problems = options.problems;
    this.warnings = options.warnings;
  }
}

/** Faults are remembered and written to journals, and quote what came: whoever sends megabytes does not get them back. */
const longestText = 2000;
const longestPart = 500;
const mostParts = 100;

const cut = (text: string, longest = longestText): string =>
  text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
const cutPart = (text: string): string => cut(text, longestPart);

const cutAll = (texts: readonly string[]): string[] => texts.slice(-mostParts).map(cutPart);

const cutProblem = ({ message, hint, where, source }: Problem): Problem => ({
  message: cutPart(message),
  ...(hint === undefined ? {} : { hint: cutPart(hint) }),
  ...(where === undefined ? {} : { where: cutPart(where) }),
  ...(source === undefined ? {} : { source: cutPart(source) }),
});

/** Anything that was thrown, as data for the wire or for JSON output; long text in it is cut. */
export function toFault(error: unknown, host?: string): Fault {
  if (!(error instanceof CmigError)) {
    const message = error instanceof Error ? error.message : String(error);
    const fault: Fault = { code: 'failed', message: cut(message) };
    if (host) fault.host = host;
    if (error instanceof Error && error.cause !== undefined) fault.cause = toFault(error.cause);
    return fault;
  }
  const { tool, problems, warnings } = error;
  const fault: Fault = { code: error.code, message: cut(error.message) };
  if (error.hint) fault.hint = cut(error.hint);
  const where = error.host ?? host;
  if (where) fault.host = where;
  if (tool)
    fault.tool = { ...tool, argv: tool.argv.slice(0, mostParts).map(cutPart), output: cutAll(tool.output) };
  if (problems) fault.problems = problems.slice(0, mostParts).map(cutProblem);
  if (warnings?.length) fault.warnings = warnings.slice(0, mostParts).map(cutProblem);
  if (error.cause !== undefined) fault.cause = toFault(error.cause);
  return fault;
}

/** The error that a fault stands for, with its chain of causes. */
export function fromFault(fault: Fault): CmigError {
  return new CmigError(fault.code, fault.message, {
    hint: fault.hint,
    host: fault.host,
    tool: fault.tool,
    problems: fault.problems,
    warnings: fault.warnings,
    ...(fault.cause ? { cause: fromFault(fault.cause) } : {}),
  });
}

/** The code of whatever was thrown. */
export const codeOf = (error: unknown): FaultCode => (error instanceof CmigError ? error.code : 'failed');
