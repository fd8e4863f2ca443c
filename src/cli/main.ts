// The command line: words in, exit code out.
import { writeSync } from 'node:fs';
import { commands } from './commands.ts';
import { createInvocation } from './invocation.ts';
import { parseWords } from './program.ts';

async function main(words: readonly string[]): Promise<number> {
  const mayColor = allowsColor(words);
  // Set before anything that colours is loaded.
  if (!mayColor) {
    process.env.NO_COLOR = '1';
    process.env.FORCE_COLOR = '0';
  }
  let json = false;
  let outputError: NodeJS.ErrnoException | undefined;
  let failing: Promise<number> | undefined;
  try {
    const parsed = parseWords(words, commands);
    if ('text' in parsed) {
      outputError = writeText(parsed.text);
      return outputError ? fail(outputError) : 0;
    }
    const { command } = parsed.call;
    survive(process.stdout, (error) => {
      outputError ??= error;
      if (command.endsWithReader) void fail(error).then(process.exit);
    });
    // Getters, since the first look at one of these streams opens it, which takes milliseconds.
    const invocation = createInvocation(parsed.call, {
      get stdin() {
        return process.stdin;
      },
      get stdout() {
        return process.stdout;
      },
      get stderr() {
        return survive(process.stderr);
      },
      color: mayColor && process.stdout.isTTY === true,
      takeSignals,
    });
    json = invocation.output === 'json';
    const run = await command.load!();
    const exitCode = (await run(invocation)) ?? 0;
    // Of what was written last it is not told yet.
    outputError ??= process.stdout.errored ?? undefined;
    return exitCode === 0 && outputError ? fail(outputError) : exitCode;
  } catch (error) {
    return fail(error);
  }

  /** Says what has failed first, and answers with the exit code that follows from it. */
  function fail(error: unknown): Promise<number> {
    failing ??= tell(error);
    return failing;
  }

  async function tell(error: unknown): Promise<number> {
    const isOutput = error === outputError;
    // Who reads our output may stop reading (`cmig get apps | head -1`).
    if (isOutput && outputError?.code === 'EPIPE') return 0;
    const { describeError, outputFailed } = await import('./print-error.ts');
    const stderr = survive(process.stderr);
    const stack = process.env.CMIG_DEBUG === '1';
    const told = isOutput ? outputFailed(error) : error;
    const { text, exitCode } = describeError(told, { json, color: mayColor && stderr.isTTY, stack });
    stderr.write(text);
    return exitCode;
  }
}

/** To standard output, past its stream, whose opening takes longer than all the rest of it. Answers what hindered it. */
function writeText(text: string): NodeJS.ErrnoException | undefined {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
    return undefined;
  } catch {
    // It is full, or nobody reads any more: streams know what to do.
    const stdout = survive(process.stdout);
    stdout.write(rest);
    return stdout.errored ?? undefined;
  }
}

/** https://no-color.org: any value but the empty one. */
function allowsColor(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const asked = (end < 0 ? words : words.slice(0, end)).includes('--no-color');
  return !asked && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** The first signal asks the command to end, the second one ends it. */
function takeSignals(): AbortSignal {
  const controller = new AbortController();
  // A terminal that goes away takes both streams along, and some progress is written past the invocation.
  survive(process.stderr);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) leave();
      controller.abort(name);
    });
  }
  return controller.signal;
}

/** At once, whatever is being drawn: hence past the streams, and with the cursor that a progress display has hidden. */
function leave(): never {
  const cursor = process.stderr.isTTY ? '\x1b[?25h\n' : '';
  const text =
    'left before the outcome was known; look later with: cmig get applications, cmig get migrations';
  try {
    writeSync(2, `${cursor}${text}\n`);
  } finally {
    process.exit(130);
  }
}

const survived = new WeakSet<object>();

/**
 * A stream whose failure (nobody reads any more, its disk is full, its terminal is gone) does not end the process: a
 * migration is not to be broken off since somebody has seen enough of its progress.
 */
function survive<S extends NodeJS.WriteStream>(
  stream: S,
  onError: (error: NodeJS.ErrnoException) => void = () => {},
): S {
  if (!survived.has(stream)) {
    survived.add(stream);
    stream.on('error', onError);
  }
  return stream;
}

// Standard output to a terminal, file or pipe is synchronous on Linux, so nothing is lost by leaving at once.
process.exit(await main(process.argv.slice(2)));
