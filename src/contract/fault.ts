// A fault: an error as data, on its way from where it happened to the one place that prints it.
import Type from 'typebox';

/**
 * Every reason for which an operation can fail, by name. The exit code of the command line follows from it
 * (core/exit-codes.ts).
 */
export const faultCodes = [
  'forbidden', // whoever asks may not, by their role
  'invalid', // the request or manifest is wrong
  'not-found', // no such application, host, container, image, migration
  'conflict', // the state forbids it: name taken, address taken, another operation under way, not running
  'preflight-refused', // a migration that would not succeed was not begun
  'rolled-back', // a migration failed and the application runs on at its source
  'needs-attention', // a person must decide
  'unreachable', // broker or host does not answer
  'incompatible', // another protocol version
  'tool-failed', // runc, criu, rsync, ssh, nft, ip … failed
  'timeout', // a stated time limit passed
  'cancelled', // asked to stop by the caller
  'unsupported', // this machine or this version cannot do it
  'failed', // anything else
] as const;

export type FaultCode = (typeof faultCodes)[number];

/** What is known of the program whose failure is the origin of a fault. */
export const ToolFailure = Type.Object({
  argv: Type.Array(Type.String()),
  exitCode: Type.Optional(Type.Integer()),
  signal: Type.Optional(Type.String()),
  timedOut: Type.Optional(Type.Boolean()),
  /** The last lines of its error output, or of its own log where that says more. */
  output: Type.Array(Type.String()),
});
export type ToolFailure = Type.Static<typeof ToolFailure>;

export interface Fault {
  code: FaultCode;
  /** What happened, to what. */
  message: string;
  /** What to do about it. */
  hint?: string;
  host?: string;
  tool?: ToolFailure;
  cause?: Fault;
  /** The single problems, where several were found at once (manifest, preflight). */
  problems?: Problem[];
  /** What was found beside them, and would not have been refused by itself. */
  warnings?: Problem[];
}

/** One of several problems found together. */
export const Problem = Type.Object({
  message: Type.String(),
  hint: Type.Optional(Type.String()),
  /** file:line:column, or the name of a check. */
  where: Type.Optional(Type.String()),
  /** Where the public can read of it: a page of documentation, a report. */
  source: Type.Optional(Type.String()),
});
export type Problem = Type.Static<typeof Problem>;

/** The schema of a fault; `cause` nests, and is checked as a plain object below the first level. */
export const FaultSchema = Type.Object({
  code: Type.Enum([...faultCodes]),
  message: Type.String(),
  hint: Type.Optional(Type.String()),
  host: Type.Optional(Type.String()),
  tool: Type.Optional(ToolFailure),
  cause: Type.Optional(Type.Object({}, { additionalProperties: true })),
  problems: Type.Optional(Type.Array(Problem)),
  warnings: Type.Optional(Type.Array(Problem)),
});
