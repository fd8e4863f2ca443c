// What an agent does by itself some seconds after its start: it dials its peers and tries criu. Who measures waits for it.
import { readFile } from 'node:fs/promises';
import { LabPaths } from '../../src/lab/lab-paths.ts';

/** How often the agents of a host, one after the other, have looked at it. */
export async function selfLooks(lab: string, host: string): Promise<number> {
  const log = await readFile(new LabPaths(lab).machine(host).agentLog, 'utf8');
  return log.split('this host has looked at itself').length - 1;
}
