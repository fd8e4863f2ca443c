// What every part of the agent is given: configuration, log, ways to speak, paths, programs.
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { EventPublisher } from '../src/broker/events.ts';
import type { RpcClient } from '../src/broker/rpc-client.ts';
import { CmigError } from '../src/core/errors.ts';
import type { AgentConfig } from './config.ts';
import type { AgentPaths } from './store/paths.ts';

export interface AgentContext {
  config: AgentConfig;
  log: Logger;
  events: Pick<EventPublisher, 'publish'>;
  /** To peers. */
  rpc: RpcClient;
  paths: AgentPaths;
  programs: Programs;
}

export interface Programs {
  /** Absolute paths. */
  runc: string;
  criu: string;
  conmon: string;
  /** The environment for programs of ours: runc finds criu through this PATH. */
  env: { PATH: string; [name: string]: string };
}

const standardFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Finds the programs: first in `folder` (`programs` of the configuration), then along PATH.
 * @throws CmigError `unsupported` that names what is missing.
 */
export async function findPrograms(
  folder: string | undefined,
  path = process.env.PATH ?? '',
): Promise<Programs> {
  const folders = [
    ...new Set([...(folder ? [folder] : []), ...path.split(':').filter((entry) => entry.startsWith('/'))]),
    ...standardFolders.filter((entry) => !path.split(':').includes(entry)),
  ];
  const find = async (name: string): Promise<string> => {
    for (const each of folders) {
      const file = join(each, name);
      const found = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      // The link is kept for what is named by PATH; runc and conmon want the file itself.
      if (found) return realpath(file);
    }
    throw new CmigError('unsupported', `the program ${name} is not installed`, {
      hint: `install it, or name its folder in the configuration as "programs"; looked in ${folders.join(', ')}`,
    });
  };
  const [runc, criu, conmon] = await Promise.all([find('runc'), find('criu'), find('conmon')]);
  return { runc, criu, conmon, env: { PATH: folders.join(':') } };
}
