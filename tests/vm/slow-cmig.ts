// bin/cmig with limits for machines that are emulated on a busy one.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import { type CmigResult, cmigWith } from '../e2e/lab.ts';
import { configuration, folder } from './settings.ts';

export const cmig = (...args: string[]): Promise<CmigResult> =>
  cmigWith({ timeoutMs: 500_000, env: { CMIG_CONFIG: configuration } }, ...args);

/** What a command printed; throws with what it said where it did not succeed. */
export async function cmigOk(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await cmig(...args);
  if (exitCode !== 0) throw new Error(`cmig ${args.join(' ')} exited with ${exitCode}:\n${stderr}${stdout}`);
  return stdout;
}

/** The document that a command printed with `-o json`. */
export async function cmigJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await cmigOk(...args, '-o', 'json')) as T;
}

/** The address that an application has. */
export async function addressOf(application: string): Promise<string> {
  return (await cmigJson<Application>('get', 'application', application)).status!.address!;
}

/** Applies an application and waits until it is ready. */
export async function applyApplication(name: string, spec: object): Promise<void> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    stringify({ apiVersion: 'cmig.dev/v1', kind: 'Application', metadata: { name }, spec }),
  );
  await cmigOk('apply', '-f', file, '--allow-outside', '--wait');
}
