// `cmig convert`.
import { readCompose } from '../../manifest/compose/read-compose.ts';
import { renderDocument } from '../../view/resource-output.ts';
import type { Invocation } from '../command.ts';

export async function run(invocation: Invocation): Promise<void> {
  const { manifest, notes } = await readCompose(invocation.required('file'), {
    env: process.env,
    host: invocation.required('host'),
    name: invocation.text('name'),
    stdin: invocation.stdin,
  });
  if (invocation.output === 'json') return invocation.printJson({ manifest, notes });
  for (const { where, message } of notes) invocation.notice(`warning: ${where}: ${message}`);
  invocation.stdout.write(await renderDocument(manifest, 'yaml'));
}
