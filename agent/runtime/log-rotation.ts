// Rotates containers' logs when they have grown: renames them and tells conmon to begin a new file.
import { rename, rm, stat } from 'node:fs/promises';
import { completeContainer } from '../../src/contract/defaults.ts';
import { parseSizeBytes } from '../../src/core/units.ts';
import type { AgentContext } from '../context.ts';
import type { Conmon } from './conmon.ts';
import type { Supervisor } from './supervisor.ts';

export interface RotatedLog {
  file: string;
  maxBytes: number;
  /** Rotated files kept. */
  maxFiles: number;
  /** Tells the writer to open `file` anew. */
  reopen: () => Promise<void>;
}

const lookEveryMs = 1000;

/** @returns whether it was rotated */
export async function rotateIfLarge(log: RotatedLog): Promise<boolean> {
  const size = (await stat(log.file).catch(() => undefined))?.size;
  if (size === undefined) {
    // An agent that was killed between renaming and telling.
    if (await stat(`${log.file}.1`).catch(() => undefined)) await log.reopen();
    return false;
  }
  if (size < log.maxBytes) return false;
  await rm(`${log.file}.${log.maxFiles}`, { force: true });
  for (let number = log.maxFiles - 1; number >= 1; number--)
    await rename(`${log.file}.${number}`, `${log.file}.${number + 1}`).catch(ifThere);
  await rename(log.file, `${log.file}.1`);
  await log.reopen();
  return true;
}

/** Looks at all running containers' logs, every second, while no migration copies them. @returns what ends it */
export function startLogRotation(
  { paths, log }: Pick<AgentContext, 'paths' | 'log'>,
  supervisor: Supervisor,
  conmon: Conmon,
): { stop(): void } {
  let looking = false;
  const look = async (): Promise<void> => {
    for (const { manifest, migration } of supervisor.records()) {
      if (migration) continue;
      const application = manifest.metadata.name;
      for (const container of manifest.spec.containers) {
        const { name } = container;
        if (supervisor.application(application).container(name)?.state !== 'Running') continue;
        const { maxSize, maxFiles } = completeContainer(container).log;
        await rotateIfLarge({
          file: paths.logFile(application, name),
          maxBytes: parseSizeBytes(maxSize),
          maxFiles,
          reopen: () => conmon.reopenLog(application, name),
        }).catch((error) => log.warn({ err: error, application, container: name }, 'a log was not rotated'));
      }
    }
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error) => log.warn({ err: error }, 'logs were not looked at'))
      .finally(() => {
        looking = false;
      });
  }, lookEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
