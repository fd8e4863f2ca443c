// Runs a command in a container for a client: bytes in, bytes out, exit code; ended with its client or its container.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import type { TerminalRequest } from '../../src/contract/terminal.ts';
import { CmigError } from '../../src/core/errors.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';
import type { AgentContext } from '../context.ts';
import { containerId } from '../store/paths.ts';
import { prepareTerminal } from './exec-terminal.ts';
import { lastRuncError, type Runc } from './runc.ts';
import type { SupervisedContainer } from './supervised-container.ts';

const frameBytes = 48 * 1024;
let sessions = 0;

/** @throws CmigError `conflict` where the container does not run or is being moved; `not-found` where there is no such program in it */
export async function execInContainer(
  context: Pick<AgentContext, 'paths' | 'programs'>,
  runc: Runc,
  container: SupervisedContainer,
  request: { command: string[]; stdin?: boolean | undefined; terminal?: TerminalRequest | undefined },
  stream: ServerStream,
): Promise<void> {
  const { application, name } = container;
  const { paths, programs } = context;
  requireRunning(container);
  const folder = paths.runtime(application, name);
  const session = `exec-${process.pid}-${++sessions}`;
  const pidFile = join(folder, `${session}.pid`);
  const logFile = join(folder, `${session}.log`);
  const id = containerId(application, name);
  const { terminal } = request;
  const command = await runc.commandIn(application, name, request.command);
  const prepared =
    terminal &&
    (await prepareTerminal(context, runc, {
      ...{ application, container: name, command, terminal, pidFile, logFile },
      session: join(folder, session),
    }));
  try {
    // Meanwhile it may have been stopped or handed to a migration; from here on it is known who is inside.
    requireRunning(container);
  } catch (error) {
    await prepared?.remove();
    throw error;
  }
  const onTerminal = prepared?.start();
  const argv = [
    ...[...runc.globalArguments(), `--log=${logFile}`, '--log-format=json'],
    ...['exec', '--pid-file', pidFile, id, ...command],
  ];
  const child =
    onTerminal?.child ??
    spawnProcess(programs.runc, argv, {
      env: programs.env,
      stdio: [request.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
  const hasBegun = async (): Promise<boolean> => (await readFile(pidFile, 'utf8').catch(() => '')) !== '';
  let interrupted: string | undefined;
  const kill = async (): Promise<void> => {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
    // The command is the leader of a session of its own: what it started goes with it.
    if (pid > 1)
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // it has ended
      }
    if (onTerminal) await onTerminal.kill();
    else child.kill('SIGKILL');
  };
  const onGone = (): void => void kill();
  stream.closed.addEventListener('abort', onGone, { once: true });
  if (stream.closed.aborted) onGone();
  const takeOff = container.addSession(() => {
    interrupted = `the session was ended, because ${application} is being stopped or moved`;
    void kill();
  });
  try {
    // runc's own complaints come the same way as what the program says, and on a terminal early keys would go to runc.
    const begun = untilBegun(hasBegun, child);
    if (onTerminal) stream.onResize((size) => void onTerminal.resize(size).catch(() => {}));
    if (request.stdin) void (onTerminal ? begun : Promise.resolve()).then(() => feed(stream, child.stdin));
    await Promise.all([
      forward(child.stdout, 'stdout', stream, begun),
      forward(child.stderr, 'stderr', stream, begun),
    ]);
    const { exitCode, signal } = await child.ended;
    if (interrupted) throw new CmigError('cancelled', interrupted);
    // Without a pid the command never began: what runc says is the reason.
    if (!(await hasBegun())) throw await refusal(logFile, container, command, exitCode);
    await stream.send({ type: 'end', exitCode: exitCode ?? (signal ? 137 : 1) });
  } finally {
    takeOff();
    stream.closed.removeEventListener('abort', onGone);
    await rm(pidFile, { force: true });
    await rm(logFile, { force: true });
    await prepared?.remove();
  }
}

/** @throws CmigError `conflict` */
function requireRunning({ application, name, state, isSuspended }: SupervisedContainer): void {
  // What would be dumped along with it could not be restored.
  if (isSuspended)
    throw new CmigError(
      'conflict',
      `${application} is just being moved or captured: nothing can be run in it now`,
      {
        hint: 'try again when that has ended',
      },
    );
  if (state === 'Running') return;
  throw new CmigError('conflict', `container ${name} of ${application} does not run: it is ${state}`, {
    hint: `see \`cmig describe application ${application}\``,
  });
}

/** Settles when it has begun, or with false where it has ended before. */
async function untilBegun(hasBegun: () => Promise<boolean>, { pid }: BackgroundProcess): Promise<boolean> {
  for (;;) {
    // Asked first: it may begin and end in between.
    const lives = existsSync(`/proc/${pid}`);
    if (await hasBegun()) return true;
    if (!lives) return false;
    await sleep(5);
  }
}

async function feed(stream: ServerStream, stdin: NodeJS.WritableStream | null): Promise<void> {
  stdin?.on('error', () => {});
  for await (const bytes of stream.input) {
    if (!stdin?.writable) continue;
    if (!stdin.write(bytes))
      await new Promise<void>((resolve) => {
        stdin.once('drain', resolve);
        stdin.once('close', resolve);
      });
  }
  stdin?.end();
}

/** Reads at once, and sends what came once the program has begun; where it never has, nothing. */
async function forward(
  output: Readable | null,
  name: 'stdout' | 'stderr',
  stream: ServerStream,
  begun: Promise<boolean>,
): Promise<void> {
  if (!output) return;
  for await (const chunk of output) {
    if (!(await begun)) continue;
    const bytes = Buffer.from(chunk as Uint8Array);
    for (let at = 0; at < bytes.length; at += frameBytes)
      await stream.send({
        type: 'output',
        stream: name,
        data: bytes.toString('base64', at, Math.min(at + frameBytes, bytes.length)),
      });
  }
}

async function refusal(
  logFile: string,
  { application, name }: SupervisedContainer,
  command: string[],
  exitCode: number | undefined,
): Promise<CmigError> {
  const told = (await lastRuncError(logFile)) ?? 'runc exec failed';
  if (told.includes('executable file not found'))
    return new CmigError(
      'not-found',
      `${command[0]} could not be run: container ${name} of ${application} has no such program`,
    );
  const missing = told.includes('no such file or directory');
  return new CmigError(missing ? 'not-found' : 'tool-failed', `${command[0]} could not be run: ${told}`, {
    tool: {
      argv: ['runc', 'exec', containerId(application, name), ...command],
      ...(exitCode === undefined ? {} : { exitCode }),
      output: [],
    },
  });
}
