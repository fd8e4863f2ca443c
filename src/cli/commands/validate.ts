// `cmig validate`.
import { readManifests } from '../../manifest/read-manifests.ts';
import type { Invocation } from '../command.ts';

export async function run(invocation: Invocation): Promise<void> {
  const loaded = await readManifests(invocation.texts('file'), {
    allowOutside: invocation.flag('allow-outside'),
    stdin: invocation.stdin,
  });
  if (invocation.output === 'json') {
    return invocation.printJson({
      valid: true,
      applications: loaded.map(({ manifest, where }) => ({ name: manifest.metadata.name, where })),
    });
  }
  for (const { manifest, file } of loaded) {
    invocation.print(`${file}: application/${manifest.metadata.name} is valid`);
  }
}
