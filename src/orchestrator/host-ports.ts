// What hosts have at their own ports must not be taken away by what an application publishes there.
import type { ApplicationManifest } from '../contract/application.ts';
import { hostPortText, publishesOn } from '../contract/published-port.ts';
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import type { Inventory } from './inventory.ts';

/** @throws CmigError `conflict` that names the port and the hosts; one that does not answer is not waited for */
export async function refuseHostPorts(
  { rpc }: Pick<OrchestratorContext, 'rpc'>,
  { hosts }: Pick<Inventory, 'hosts'>,
  { metadata, spec }: ApplicationManifest,
): Promise<void> {
  const ports = spec.network?.ports ?? [];
  const asked = hosts.filter(
    ({ metadata: { name }, status }) =>
      status.condition === 'Ready' && ports.some((port) => publishesOn(port, name)),
  );
  const answers = await Promise.all(
    asked.map(async ({ metadata: { name } }) => {
      const answer = await rpc.call(name, 'host.ports', {}, { failFast: true }).catch(() => undefined);
      return { name, taken: new Set(answer?.taken) };
    }),
  );
  for (const port of ports) {
    const text = hostPortText(port);
    const where = answers.filter(({ name, taken }) => publishesOn(port, name) && taken.has(text));
    if (where.length === 0) continue;
    const names = where.map(({ name }) => name).join(', ');
    throw new CmigError(
      'conflict',
      `the host port ${text} of application ${metadata.name} belongs to a program of the host: on ${names}`,
      { hint: 'choose another hostPort, or other hosts; ss -tulnp shows there who has it' },
    );
  }
}
