// /etc/hosts and /etc/resolv.conf of an application's containers: with its files, so that they move with it.
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';

/** Makes them where they are missing. @param names of other applications, as lines */
export async function writeEtcFiles(
  folder: string,
  application: string,
  {
    address,
    containers,
    names: others = '',
  }: { address: string; containers: readonly string[]; names?: string },
): Promise<{ hosts: string; resolvConf: string }> {
  await mkdir(folder, { recursive: true });
  const hosts = join(folder, 'hosts');
  const resolvConf = join(folder, 'resolv.conf');
  // They share one network, so each is found where all of them are; its own address stays the application's name.
  const names = containers.filter((name) => name !== application && name !== 'localhost');
  const text = [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost ip6-loopback',
    `${address} ${application}`,
    ...names.map((name) => `127.0.0.1 ${name}`),
    '',
  ].join('\n');
  const before = await readFile(hosts, 'utf8').catch(() => undefined);
  if (before !== text + others) await write(hosts, text + others);
  const exists = await stat(resolvConf).then(
    () => true,
    () => false,
  );
  if (!exists) await write(resolvConf, await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
  return { hosts, resolvConf };
}

/** What is written in part is removed: it would be taken for whole the next time. */
async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch(async (cause: Error) => {
    await rm(path, { force: true });
    throw new CmigError('failed', `${path} could not be written: ${cause.message}`, { cause });
  });
}
