// RPC: the hosts this agent knows of.
import type { Params, Result } from '../../src/contract/methods.ts';
import type { HostRegistry } from '../peers/host-registry.ts';

export const hostHandlers = (registry: HostRegistry) => ({
  'host.list': async (): Promise<Result<'host.list'>> => ({ hosts: registry.list() }),
  'host.put': async ({ host }: Params<'host.put'>): Promise<Result<'host.put'>> => {
    await registry.put(host);
    return {};
  },
});
