// The commands of a run: each drawn at random, run by one of several operators, and what it means for the applications.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCode } from '../../src/contract/fault.ts';
import { exitCodes } from '../../src/core/exit-codes.ts';
import { spawnProcess } from '../../src/core/run-process.ts';
import type { MoveResult } from '../../src/orchestrator/moving/move-result.ts';
import type { Deed } from './model.ts';

export interface Setting {
  program: string;
  config: string;
  folder: string;
  /** Contexts, by role. */
  admin: string;
  operator: string;
  hosts: readonly string[];
}

export interface Command {
  /** Of the admin, or of another operator. */
  context: string;
  args: string[];
  /** SIGINT, or SIGKILL, after so long. */
  cutAfterMs?: number;
  cutBy?: 'SIGINT' | 'SIGKILL';
  /** It sleeps, as on a laptop that is closed, so long after its start, for so long. */
  sleeps?: { afterMs: number; forMs: number };
  /** Written to a file which is applied. */
  manifest?: object;
  /** What it is about, as far as that is known beforehand. */
  deed?: Omit<Deed, 'exitCode' | 'startedAt' | 'endedAt' | 'cut' | 'text'>;
  application?: string;
  /** An application at which nobody else can work meanwhile, though it stays what it is. */
  holds?: string;
  /** Moves whatever it finds. */
  moves?: { to?: string };
  /** Of hosts. */
  cordons?: string;
  uncordons?: string;
  /** What others do may fail for it. */
  disturbs?: true;
  /** The application is not waited for. */
  lingers?: boolean;
  pauseMs: number;
}

export interface Ended {
  command: Command;
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
  startedAt: number;
  endedAt: number;
  cut: boolean;
}

/** So long nothing takes; a command that does is killed, and that is a finding. */
const commandLimitMs = 180_000;
let files = 0;

export async function runCommand(setting: Setting, command: Command): Promise<Ended> {
  await sleep(command.pauseMs);
  const args = [...command.args];
  if (command.manifest) {
    const file = join(setting.folder, `manifest-${++files}.json`);
    await writeFile(file, JSON.stringify(command.manifest, undefined, 1));
    args.push('-f', file, '--allow-outside');
  }
  const startedAt = performance.now();
  const at = args.indexOf('--');
  const context = ['--context', command.context];
  const all = at < 0 ? [...args, ...context] : [...args.slice(0, at), ...context, ...args.slice(at)];
  const child = spawnProcess(setting.program, all, { env: { CMIG_CONFIG: setting.config, NO_COLOR: '1' } });
  let cut = false;
  let over = false;
  const kill = (signal: NodeJS.Signals) => {
    if (over) return;
    cut = true;
    child.kill(signal);
  };
  const timers = [setTimeout(() => kill('SIGKILL'), commandLimitMs)];
  if (command.cutAfterMs !== undefined)
    timers.push(setTimeout(() => kill(command.cutBy!), command.cutAfterMs));
  if (command.sleeps) {
    const { afterMs, forMs } = command.sleeps;
    const signal = (name: NodeJS.Signals) => () => over || child.kill(name);
    timers.push(setTimeout(signal('SIGSTOP'), afterMs), setTimeout(signal('SIGCONT'), afterMs + forMs));
  }
  const output = Promise.all([text(child.stdout!), text(child.stderr!)]);
  const { exitCode } = await child.ended;
  over = true;
  for (const timer of timers) clearTimeout(timer);
  const [stdout, stderr] = await output;
  return { command, exitCode, stdout, stderr, startedAt, endedAt: performance.now(), cut };
}

/** What a command meant for one application; nothing where it left it alone. */
export function deedsOf(ended: Ended, application: string, hosts: readonly string[]): Deed[] {
  const { command, exitCode, startedAt, endedAt, cut, stderr } = ended;
  const common = { exitCode, startedAt, endedAt, cut, text: stderr.trim() };
  if (command.application === application && command.deed) return [{ ...command.deed, ...common }];
  if (!command.moves) return [];
  const result = readMoves(ended.stdout);
  if (!result) {
    // It has said nothing: of what it may have done.
    if (exitCode !== undefined && [2, 3, 4, 5, 9].includes(exitCode)) return [];
    return [{ ...common, kind: 'migrate', hosts, cut: true }];
  }
  return result
    .filter((each) => each.application === application)
    .flatMap(({ outcome, to, error }): Deed[] => {
      const codes: Partial<Record<typeof outcome, FaultCode>> = {
        'rolled-back': 'rolled-back',
        refused: 'preflight-refused',
        'needs-attention': 'needs-attention',
        failed: error?.code ?? 'failed',
        cancelled: 'cancelled',
      };
      if (['left', 'gone', 'possible'].includes(outcome)) return [];
      const code = codes[outcome];
      return [
        {
          ...common,
          kind: 'migrate',
          hosts: to ? [to] : hosts,
          exitCode: code ? exitCodes[code] : 0,
          cut: outcome === 'cancelled',
        },
      ];
    });
}

export function readMoves(stdout: string): MoveResult[] | undefined {
  try {
    return (JSON.parse(stdout) as { applications: MoveResult[] }).applications;
  } catch {
    return undefined;
  }
}
