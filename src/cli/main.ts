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
  try {
    const parsed = parseWords(words, commands);
    if ('text' in parsed) {
      writeText(parsed.text);
      return 0;
    }
    tolerant(process.stdout);
    // Getters, since the first look at one of these streams opens it, which takes milliseconds.
    const invocation = createInvocation(parsed.call, {
      get stdin() {
        return process.stdin;
      },
      get stdout() {
        return process.stdout;
      },
      get stderr() {
        return tolerant(process.stderr);
      },
      color: mayColor && process.stdout.isTTY === true,
      takeSignals,
    });
    json = invocation.output === 'json';
    const run = await parsed.call.command.load!();
    return (await run(invocation)) ?? 0;
  } catch (error) {
    const { describeError } = await import('./print-error.ts');
    const stderr = tolerant(process.stderr);
    const stack = process.env.CMIG_DEBUG === '1';
    const { text, exitCode } = describeError(error, { json, color: mayColor && stderr.isTTY, stack });
    stderr.write(text);
    return exitCode;
  }
}

/** To standard output, past its stream, whose opening takes longer than all the rest of it. */
function writeText(text: string): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch {
    // It is full, or nobody reads any more: streams know what to do.
    tolerant(process.stdout).write(rest);
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
  const text = 'left before the outcome was known; look later with: cmig get migrations';
  writeSync(2, `${cursor}${text}\n`);
  process.exit(130);
}

const tolerated = new WeakSet<object>();

/** Whoever reads our output may stop reading (`cmig get apps | head -1`): that is no error. */
function tolerant<S extends NodeJS.WriteStream>(stream: S): S {
  if (tolerated.has(stream)) return stream;
  tolerated.add(stream);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return stream;
}

// Standard output to a terminal, file or pipe is synchronous on Linux, so nothing is lost by leaving at once.
process.exit(await main(process.argv.slice(2)));
