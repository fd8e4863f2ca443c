// `cmig validate`.
import type { Invocation } from '../command.ts';
import { namedManifests } from '../named-manifests.ts';

export async function run(invocation: Invocation): Promise<void> {
  const loaded = await namedManifests(invocation);
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
