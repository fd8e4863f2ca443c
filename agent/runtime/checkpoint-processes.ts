// The runc and criu that checkpoint a container, whichever agent started them: they outlive it.
import { readFile } from 'node:fs/promises';
import { type AgentPaths, containerId } from '../store/paths.ts';
import { familyOf, listProcessTable, type ProcessEntry, readProcess } from './process-table.ts';
import type { Runc } from './runc.ts';

/** The runc that checkpoints the container. */
export async function findCheckpoint(
  paths: AgentPaths,
  application: string,
  container: string,
): Promise<ProcessEntry | undefined> {
  const text = await readFile(paths.checkpointPidFile(application, container), 'utf8').catch(() => '');
  const pid = Number(text);
  const entry = pid ? await readProcess(pid) : undefined;
  const words = entry?.commandLine ?? [];
  return words.includes('checkpoint') && words.includes(containerId(application, container))
    ? entry
    : undefined;
}

/** runc and criu that checkpoint the container, with all that came from them. */
export async function checkpointProcesses(
  { paths, runc }: { paths: AgentPaths; runc: Runc },
  application: string,
  container: string,
): Promise<ProcessEntry[]> {
  const table = await listProcessTable();
  const checkpoint = await findCheckpoint(paths, application, container);
  const state = await runc.state(application, container);
  // criu names what it dumps in its title; it may have lost its runc.
  const orphans = table.filter(
    ({ name, commandLine }) =>
      name === 'criu' && state && new RegExp(`dump .*-t ${state.pid}\\b`).test(commandLine.join(' ')),
  );
  return [
    ...(checkpoint ? familyOf(table, checkpoint.pid) : []),
    ...orphans.flatMap(({ pid }) => familyOf(table, pid)),
  ];
}
