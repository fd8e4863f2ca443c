// RPC: the hosts this agent knows of.
import type { RequestContext } from '../../src/broker/rpc-server.ts';
import { identityText } from '../../src/contract/identity.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { AgentContext } from '../context.ts';
import type { Diagnosis } from '../diagnosis/diagnosis.ts';
import type { Neighbourhood } from '../network/neighbourhood.ts';
import { takenPorts } from '../network/taken-ports.ts';
import type { HostRegistry } from '../peers/host-registry.ts';

export const hostHandlers = (
  { events }: Pick<AgentContext, 'events'>,
  registry: HostRegistry,
  neighbourhood: Neighbourhood,
  diagnosis: Diagnosis,
) => ({
  'host.cordon': async (
    { unschedulable }: Params<'host.cordon'>,
    { caller }: RequestContext,
  ): Promise<Result<'host.cordon'>> => {
    const changed = await registry.cordon(unschedulable);
    if (changed) {
      events.publish(unschedulable ? 'host.cordoned' : 'host.uncordoned', { by: caller });
      // Peers know it at once, and not only with the next heartbeat.
      events.publish('host.heard', { host: registry.own });
    }
    return { changed };
  },
  'host.rotate-key': async (): Promise<Result<'host.rotate-key'>> => {
    await registry.rotateKey();
    events.publish('host.heard', { host: registry.own });
    return { transferKey: registry.own.transferKey };
  },
  'host.diagnose': async (): Promise<Result<'host.diagnose'>> => ({
    findings: await diagnosis.run({ selfTest: true }),
  }),
  'host.list': async (): Promise<Result<'host.list'>> => {
    const hosts = registry.listAll();
    // Whoever is told of a host may send it something: SSH is to know it, too.
    await registry.untilTrusted();
    return { hosts };
  },
  'host.places': async (): Promise<Result<'host.places'>> => ({ places: neighbourhood.own() }),
  'host.known-places': async (): Promise<Result<'host.known-places'>> => ({
    places: [...neighbourhood.view().places],
  }),
  'host.clock': async (): Promise<Result<'host.clock'>> => ({ timeMs: Date.now() }),
  'host.ports': async (): Promise<Result<'host.ports'>> => ({ taken: [...(await takenPorts())] }),
  'host.put': async (
    { host }: Params<'host.put'>,
    { identity }: RequestContext,
  ): Promise<Result<'host.put'>> => {
    if (identity?.role === 'host' && identity.name !== host.name)
      throw new CmigError('forbidden', `${identityText(identity)} may not tell of the host ${host.name}`);
    await registry.put(host, identity !== undefined);
    return {};
  },
});
