// Processes that are to outlive the agent leave the cgroup of its systemd unit.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The hierarchies by which systemd knows whose a process is: the one of version 2, that one beside version 1, and its own
 * of version 1.
 */
const hierarchies = ['', 'unified', 'systemd'];

/**
 * Moves a process into `cgroup`, for where systemd is the init. What stays in the unit is ended with the agent by "systemctl
 * kill", whatever its KillMode, and counts as the unit's where memory runs out. Never throws: whoever stays only lives
 * less safely.
 */
export async function leaveUnit(pid: number, cgroup: string, root = '/sys/fs/cgroup'): Promise<void> {
  await Promise.all(
    hierarchies
      .map((hierarchy) => join(root, hierarchy))
      .filter((hierarchy) => existsSync(join(hierarchy, 'cgroup.procs')))
      .map(async (hierarchy) => {
        const folder = join(hierarchy, cgroup);
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'cgroup.procs'), String(pid));
      }),
  ).catch(() => {});
}
