// `cmig exec`: a program in a container, with its input, output and exit code.

import type { RpcStream } from '../../broker/rpc-stream.ts';
import type { TerminalRequest } from '../../contract/terminal.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';
import { checkContainer, locateApplication } from '../locate.ts';
import { takeTerminal, terminalOf } from '../raw-terminal.ts';
import { withOrchestrator } from '../session.ts';
import { write } from '../write.ts';

export async function run(invocation: Invocation): Promise<number> {
  const container = invocation.text('container');
  const stdin = invocation.flag('stdin');
  const terminal = wantedTerminal(invocation);
  return withOrchestrator(invocation, async (session) => {
    const application = await locateApplication(session, invocation.required('APP'));
    checkContainer(application, container);
    const names = application.spec.containers.map(({ name }) => name);
    const chosen = container ?? names[0]!;
    if (container === undefined && names.length > 1)
      invocation.notice(`container "${chosen}" chosen out of ${names.join(', ')}; choose another with -c`);
    const params = {
      name: application.metadata.name,
      container: chosen,
      command: invocation.texts('CMD'),
      stdin,
      ...(terminal ? { terminal } : {}),
    };
    const { signal } = invocation;
    const stream = await session.rpc.openStream(application.status.host, 'application.exec', params, {
      signal,
    });
    const giveBack = terminal && takeTerminal(invocation, terminal, (size) => void stream.resize(size));
    if (stdin) void passInput(invocation, stream);
    const exitCode = await passOutput(invocation, stream)
      .catch((error) => {
        // What the program has written ended anywhere.
        if (terminal) invocation.stderr.write('\r\n');
        throw error;
      })
      .finally(giveBack);
    if (signal.aborted) return 130;
    if (exitCode === undefined)
      throw new CmigError('failed', `the end of the program was not told by ${application.status.host}`);
    return exitCode;
  });
}

/** As kubectl: a terminal is only for who has one, and gives the program its input. */
function wantedTerminal(invocation: Invocation): TerminalRequest | undefined {
  if (!invocation.flag('tty')) return undefined;
  const found = invocation.flag('stdin') ? terminalOf(invocation) : undefined;
  if (!found) {
    const why = invocation.flag('stdin') ? 'standard input is not a terminal' : '-t needs -i';
    invocation.notice(`unable to use a TTY: ${why}; the program gets pipes`);
  }
  return found;
}

async function passOutput(invocation: Invocation, stream: RpcStream): Promise<number | undefined> {
  for await (const frame of stream) {
    if (frame.type === 'output') {
      const to = frame.stream === 'stdout' ? invocation.stdout : invocation.stderr;
      await write(to, Buffer.from(frame.data, 'base64'));
    }
    if (frame.type === 'end') return frame.exitCode;
  }
  return undefined;
}

/** Runs beside the output; a program that ends before its input does is no error. */
async function passInput(invocation: Invocation, stream: RpcStream): Promise<void> {
  try {
    for await (const chunk of invocation.stdin) await stream.write(chunk);
    await stream.endInput();
  } catch (error) {
    if (codeOf(error) !== 'not-found')
      invocation.notice(`standard input was not passed on: ${(error as Error).message}`);
  }
}
