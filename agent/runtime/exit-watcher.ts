// Learns that containers have ended, from the files that conmon leaves.
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentPaths } from '../store/paths.ts';

/** Should a notification be missed, it is noticed after so long. */
const lookAnywayMs = 5000;

export class ExitWatcher {
  readonly #paths: AgentPaths;
  readonly #onExit: (application: string, container: string, exitCode: number) => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onExit` may be called more than once for the same exit. */
  constructor(paths: AgentPaths, onExit: (application: string, container: string, exitCode: number) => void) {
    this.#paths = paths;
    this.#onExit = onExit;
  }

  async start(): Promise<void> {
    await mkdir(this.#paths.exitsDirectory, { recursive: true, mode: 0o700 });
    this.#watcher = watch(this.#paths.exitsDirectory, (_, file) => {
      if (file) void this.#look(file);
    });
    this.#watcher.on('error', () => {});
    this.#timer = setInterval(() => void this.#lookAtAll(), lookAnywayMs);
    this.#timer.unref();
    await this.#lookAtAll();
  }

  stop(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  async #lookAtAll(): Promise<void> {
    for (const file of await readdir(this.#paths.exitsDirectory).catch(() => [])) await this.#look(file);
  }

  async #look(file: string): Promise<void> {
    // Two DNS labels; conmon writes aside first, under a longer name.
    const match = /^([a-z0-9-]+)\.([a-z0-9-]+)$/.exec(file);
    if (!match) return;
    const text = await readFile(join(this.#paths.exitsDirectory, file), 'utf8').catch(() => '');
    const exitCode = Number.parseInt(text, 10);
    if (Number.isInteger(exitCode)) this.#onExit(match[1]!, match[2]!, exitCode);
  }
}

/** The exit code that conmon left, if it has. */
export async function readExitCode(
  paths: AgentPaths,
  application: string,
  container: string,
): Promise<number | undefined> {
  const text = await readFile(paths.exitFile(application, container), 'utf8').catch(() => '');
  const exitCode = Number.parseInt(text, 10);
  return Number.isInteger(exitCode) ? exitCode : undefined;
}
