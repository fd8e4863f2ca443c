// RPC: the hosts this agent knows of.
import type { Params, Result } from '../../src/contract/methods.ts';
import type { Diagnosis } from '../diagnosis/diagnosis.ts';
import type { HostRegistry } from '../peers/host-registry.ts';

export const hostHandlers = (registry: HostRegistry, diagnosis: Diagnosis) => ({
  'host.diagnose': async (): Promise<Result<'host.diagnose'>> => ({
    findings: await diagnosis.run({ selfTest: true }),
  }),
  'host.list': async (): Promise<Result<'host.list'>> => ({ hosts: registry.list() }),
  'host.put': async ({ host }: Params<'host.put'>): Promise<Result<'host.put'>> => {
    await registry.put(host);
    return {};
  },
});
