// Programs that an agent which was killed had begun in containers for its clients: nobody hears of them any more.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentContext } from '../context.ts';
import type { Runc } from './runc.ts';

/** Ends them, and removes the files of their sessions. Before the first session of this agent. */
export async function endLeftSessions(
  { paths, log }: Pick<AgentContext, 'paths' | 'log'>,
  runc: Runc,
): Promise<void> {
  for (const id of await readdir(paths.containersRunDirectory).catch(() => [])) {
    const folder = join(paths.containersRunDirectory, id);
    const files = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('exec-'));
    if (files.length === 0) continue;
    // A DNS label each.
    const [application = '', container = ''] = id.split('.');
    const inside = await runc.processes(application, container).catch((): number[] => []);
    for (const file of files.filter((name) => name.endsWith('.pid'))) {
      const pid = Number.parseInt(await readFile(join(folder, file), 'utf8').catch(() => ''), 10);
      // Its number may have become somebody else's.
      if (!inside.includes(pid)) continue;
      log.warn({ application, container, pid }, 'a program whose client has gone is ended');
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // it has just ended
      }
    }
    for (const file of files) await rm(join(folder, file), { force: true });
  }
}
