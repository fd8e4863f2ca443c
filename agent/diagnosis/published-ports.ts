// Ports that applications publish on this host, and that its own programs have.
import { hostPortText, publishesOn } from '../../src/contract/published-port.ts';
import type { Machine } from '../migration/machine.ts';
import { takenPorts } from '../network/taken-ports.ts';
import { type Said, warning } from './findings.ts';

export async function lookAtPublishedPorts({
  neighbourhood,
}: Pick<Machine, 'neighbourhood'>): Promise<Said[]> {
  const { own, places } = neighbourhood.view();
  const published = places.flatMap(({ application, ports = [] }) =>
    ports
      .filter((port) => publishesOn(port, own.name))
      .map((port) => ({ application, port: hostPortText(port) })),
  );
  if (published.length === 0) return [];
  const taken = await takenPorts();
  return published
    .filter(({ port }) => taken.has(port))
    .map(({ application, port }) =>
      warning(`${application} does not answer at port ${port} here: a program of this host has it`, {
        hint: `who: ss -Htulnp sport = :${port.split('/')[0]}; end it, or publish another hostPort`,
      }),
    );
}
