// bin/cmig with limits for machines that are emulated on a busy one.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import { commandsWith } from '../e2e/lab.ts';
import { configuration, folder } from './settings.ts';

export const { cmig, cmigOk, cmigJson } = commandsWith({
  timeoutMs: 500_000,
  env: { CMIG_CONFIG: configuration },
});

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
