// What this machine must have before a lab can run on it.

import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { systemPath } from './inside.ts';

/** Program -> the Debian package it comes from. */
const programs: Record<string, string> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setsid: 'util-linux',
  ip: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  rsync: 'rsync',
  conmon: 'conmon',
  '../lib/rabbitmq/bin/rabbitmq-server': 'rabbitmq-server',
};

/** What hosts of different sites need besides. */
const sitePrograms: Record<string, string> = { wg: 'wireguard-tools', 'wireguard-go': 'wireguard-go' };

/** @throws CmigError `unsupported` that names everything that is missing at once */
export async function checkRequirements({ sites = false } = {}): Promise<void> {
  checkRoot();
  const folders = systemPath.split(delimiter);
  const missing = new Set<string>();
  for (const [program, debianPackage] of Object.entries({ ...programs, ...(sites ? sitePrograms : {}) })) {
    const found = folders.map((folder) => access(join(folder, program)));
    await Promise.any(found).catch(() => missing.add(debianPackage));
  }
  if (missing.size > 0) {
    throw new CmigError('unsupported', `the lab needs programs that are missing here`, {
      hint: `run scripts/setup.sh, or install ${[...missing].join(', ')}`,
    });
  }
}

/** @throws CmigError `unsupported` */
export function checkRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new CmigError('unsupported', 'the lab makes namespaces and links, which only root may', {
      hint: 'run the same command with sudo',
    });
  }
}
