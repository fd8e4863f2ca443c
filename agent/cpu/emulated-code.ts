// What is known of the processes of an emulated application: the CPU that they were started on, and any that is not emulated.
import { readFile, readlink } from 'node:fs/promises';
import { emulatorPath, startedOn } from './emulator.ts';
import type { RunningProcess } from './unheld-code.ts';

/**
 * `startedOn`: what a CPU must have that takes them all. `unheld`: why that is not known, a sentence each. What is mounted
 * for an emulated application lets no program but the emulator be started; this looks all the same.
 */
export async function emulatedCode(
  processes: readonly RunningProcess[],
): Promise<{ unheld: string[]; startedOn: string[] }> {
  const needed = new Set<string>();
  const unheld: string[] = [];
  for (const { container, pid } of processes) {
    const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
    if (program === undefined) continue; // it has ended
    const told = startedOn(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''));
    if (program === emulatorPath && told) for (const each of told) needed.add(each);
    else unheld.push(`${program} (container ${container}, pid ${pid}) is not emulated`);
  }
  return { unheld: unheld.slice(0, 20), startedOn: [...needed].sort() };
}
