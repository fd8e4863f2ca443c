// How the clock of a host is set against the one here, which only this machine can tell.
import { measureClocks } from '../broker/measure-clocks.ts';
import type { Host } from '../contract/host.ts';
import type { OrchestratorContext } from './context.ts';

export type HostClock = NonNullable<Host['status']['clock']>;

/** Undefined where it does not tell the time. */
export async function clockOf(
  { rpc }: Pick<OrchestratorContext, 'rpc'>,
  host: string,
): Promise<HostClock | undefined> {
  const clocks = await measureClocks(rpc, host);
  return clocks && { aheadMs: -clocks.aheadMs, uncertainMs: clocks.uncertainMs };
}

/** The host with its clock, where it answers. */
export async function withClock(context: Pick<OrchestratorContext, 'rpc'>, host: Host): Promise<Host> {
  if (host.status.condition !== 'Ready') return host;
  const clock = await clockOf(context, host.metadata.name);
  return clock ? { ...host, status: { ...host.status, clock } } : host;
}
