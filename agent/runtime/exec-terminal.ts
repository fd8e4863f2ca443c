// Starts a program in a container on a terminal. runc makes one inside of it, and copies it to a terminal out here,
// from which it also takes the size: script(1), which every Debian has, makes that one, since Node cannot.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import type { TerminalRequest, TerminalSize } from '../../src/contract/terminal.ts';
import { conflate } from '../../src/core/conflate.ts';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, runProcess, spawnProcess } from '../../src/core/run-process.ts';
import type { AgentContext } from '../context.ts';
import { containerId } from '../store/paths.ts';
import type { Runc } from './runc.ts';

export interface ExecOnTerminal {
  application: string;
  container: string;
  command: readonly string[];
  terminal: TerminalRequest;
  /** Where runc writes the program's process id once it has begun, and its own log. */
  pidFile: string;
  logFile: string;
  /** A path whose name belongs to this session: files that begin with it are made, and removed by `remove`. */
  session: string;
}

export interface ProgramOnTerminal {
  child: BackgroundProcess;
  /** The program is told of it by SIGWINCH. */
  resize(size: TerminalSize): Promise<void>;
  /** Ends what is between the program and here. */
  kill(): Promise<void>;
}

/** A size that comes before there is a terminal waits for it. */
const deviceAtMostMs = 30_000;

/** The words never change: all that does is in the environment, and is not read as shell. */
const begin =
  'stty rows "$CMIG_ROWS" cols "$CMIG_COLUMNS"; { tty; echo $$; } > "$CMIG_TTY"; exec "$CMIG_RUNC" "$CMIG_RUNC_ROOT" "$CMIG_RUNC_LOG" --log-format=json exec --process "$CMIG_PROCESS" --pid-file "$CMIG_PID" "$CMIG_ID"';

/** Makes the files that `start` then needs nothing but; `remove` removes them. */
export async function prepareTerminal(
  { paths, programs }: Pick<AgentContext, 'paths' | 'programs'>,
  runc: Runc,
  { application, container, command, terminal, pidFile, logFile, session }: ExecOnTerminal,
): Promise<{ start(): ProgramOnTerminal; remove(): Promise<void> }> {
  const processFile = `${session}.process`;
  const ttyFile = `${session}.tty`;
  const bundle = JSON.parse(
    await readFile(join(paths.bundle(application, container), 'config.json'), 'utf8'),
  );
  const process = onTerminal(bundle.process, command, terminal);
  await writeFile(processFile, JSON.stringify(process), { mode: 0o600 });
  const remove = async (): Promise<void> => {
    await rm(processFile, { force: true });
    await rm(ttyFile, { force: true });
  };
  const start = (): ProgramOnTerminal => {
    const child = spawnProcess(
      'script',
      ['--quiet', '--flush', '--return', '--command', begin, '/dev/null'],
      {
        env: {
          ...programs.env,
          SHELL: '/bin/sh',
          CMIG_TTY: ttyFile,
          CMIG_ROWS: String(terminal.rows),
          CMIG_COLUMNS: String(terminal.columns),
          CMIG_RUNC: runc.program,
          CMIG_RUNC_ROOT: runc.globalArguments()[0]!,
          CMIG_RUNC_LOG: `--log=${logFile}`,
          CMIG_PROCESS: processFile,
          CMIG_PID: pidFile,
          CMIG_ID: containerId(application, container),
        },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    return onDevice(child, ttyFile);
  };
  return { start, remove };
}

function onDevice(child: BackgroundProcess, ttyFile: string): ProgramOnTerminal {
  /** Of the terminal out here: its device, and runc's process id, which the shell had before. */
  const told = async (): Promise<string[]> => (await readFile(ttyFile, 'utf8').catch(() => '')).split('\n');
  return {
    child,
    // Of two at once the first might be set last.
    resize: conflate(async ({ rows, columns }) => {
      const device = await waitFor(async () => (await told())[0] || undefined, {
        timeoutMs: deviceAtMostMs,
        what: 'the terminal of the program',
      });
      await runProcess('stty', ['-F', device, 'rows', String(rows), 'cols', String(columns)]);
    }),
    async kill() {
      const pid = Number.parseInt((await told())[1] ?? '', 10);
      if (pid > 1)
        try {
          kill(pid, 'SIGKILL');
        } catch {
          // it has ended
        }
      child.kill('SIGKILL');
    },
  };
}

interface OciProcess {
  args: string[];
  env?: string[];
  terminal?: boolean;
}

/** As the container's own process, but for what it runs and on what. */
const onTerminal = (
  own: OciProcess,
  command: readonly string[],
  { rows, columns, type }: TerminalRequest,
): OciProcess & { consoleSize: { height: number; width: number } } => ({
  ...own,
  args: [...command],
  env: [...(own.env ?? []).filter((entry) => !entry.startsWith('TERM=')), `TERM=${type ?? 'xterm'}`],
  terminal: true,
  consoleSize: { height: rows, width: columns },
});
