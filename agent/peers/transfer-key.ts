// Makes this host's transfer key anew.
import { rename, rm } from 'node:fs/promises';
import { runProcess } from '../../src/core/run-process.ts';

/** Replaces the key pair at `identityFile`; connections that are open already go on. */
export async function replaceTransferKey(identityFile: string, host: string): Promise<void> {
  const made = `${identityFile}.new`;
  await rm(made, { force: true });
  await rm(`${made}.pub`, { force: true });
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `cmig-${host}`, '-f', made]);
  await rename(made, identityFile);
  await rename(`${made}.pub`, `${identityFile}.pub`);
}
