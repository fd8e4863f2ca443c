// What outlives the agent of a container's state, and moves with the container: restarts, last exit, readiness.
import { writeFile } from 'node:fs/promises';
import { readJsonFile } from '../store/durable-file.ts';

export interface ContainerState {
  restarts: number;
  ready?: boolean;
  /** RFC 3339 */
  startedAt?: string;
  /** RFC 3339; absent while it runs. */
  exitedAt?: string;
  /** Absent while it runs, and where it is not known. */
  exitCode?: number;
}

/** undefined where there is none, or a damaged one: it is worth less than a container that is not started. */
export const readContainerState = (file: string): Promise<ContainerState | undefined> =>
  readJsonFile<ContainerState>(file).catch(() => undefined);

/** Does not throw: a full disk must not keep a container from being supervised. */
export async function writeContainerState(file: string, state: ContainerState): Promise<void> {
  await writeFile(file, `${JSON.stringify(state)}\n`).catch(() => {});
}

export function started(state: ContainerState): ContainerState {
  return { restarts: state.restarts, ready: false, startedAt: new Date().toISOString() };
}

export function ended(state: ContainerState, exitCode: number | undefined): ContainerState {
  const { exitCode: _, ...rest } = state;
  return {
    ...rest,
    ready: false,
    exitedAt: new Date().toISOString(),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}
