// What the kernel lets the agent do, and which controllers of cgroups there are for containers.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasResourceCapability } from '../migration/host-facts.ts';
import { ok, problem, type Said, warning } from './findings.ts';

export async function lookAtCapabilities(): Promise<Said> {
  if (await hasResourceCapability()) return ok('the agent has CAP_SYS_RESOURCE');
  return warning('the agent lacks CAP_SYS_RESOURCE: only processes of user 0 can be migrated', {
    hint: 'run it with all capabilities; a machine that is a container itself may not have this one',
  });
}

const root = '/sys/fs/cgroup';
/** Without the freezer runc cannot dump on cgroup v1; the others enforce limits of manifests. */
const needed = ['cpu', 'memory', 'pids'];

export async function lookAtCgroups(): Promise<Said[]> {
  if (existsSync(join(root, 'cgroup.controllers'))) return await version2();
  const missing = [...needed, 'devices'].filter((name) => !existsSync(join(root, name)));
  const said: Said[] = [];
  if (!existsSync(join(root, 'freezer')))
    said.push(
      problem('the cgroup controller freezer is not mounted: nothing can be dumped', mounting('freezer')),
    );
  for (const name of missing)
    said.push(
      warning(`the cgroup controller ${name} is not mounted: its limits do not hold`, mounting(name)),
    );
  return said.length > 0 ? said : [ok('cgroup v1 with all controllers')];
}

const mounting = (name: string) => ({
  command: `mkdir -p ${root}/${name} && mount -t cgroup -o ${name} cgroup ${root}/${name}`,
});

async function version2(): Promise<Said[]> {
  const words = async (file: string) => (await readFile(join(root, file), 'utf8')).trim().split(/\s+/);
  const [there, passedOn] = [await words('cgroup.controllers'), await words('cgroup.subtree_control')];
  const absent = needed.filter((name) => !there.includes(name));
  const off = needed.filter((name) => there.includes(name) && !passedOn.includes(name));
  const said: Said[] = [];
  if (absent.length > 0)
    said.push(
      warning(`this kernel has no cgroup controller ${absent.join(', ')}: such limits do not hold`, {
        hint: 'see cgroup_disable= on the command line of the kernel',
      }),
    );
  if (off.length > 0)
    said.push(
      warning(`the cgroup controllers ${off.join(', ')} are not passed on: such limits do not hold`, {
        command: `echo '${off.map((name) => `+${name}`).join(' ')}' > ${root}/cgroup.subtree_control`,
      }),
    );
  return said.length > 0 ? said : [ok('cgroup v2 with all controllers')];
}
