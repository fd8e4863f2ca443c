// What a deployment checks beforehand, replaces, and does where the start fails.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { ApplicationManifest } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { AgentContext } from '../context.ts';
import { refuseBaseline } from '../cpu/refuse-cpu.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import { capabilitiesOf, checkWhatRuns } from './oci-bundle.ts';
import { startWaves } from './start-order.ts';
import type { ApplicationDependencies, SupervisedApplication } from './supervised-application.ts';

export interface DeployRequest {
  manifest: ApplicationManifest;
  /** Container name -> digest. */
  images: Record<string, string>;
  address: string;
}

/** @throws CmigError `unsupported` by this host's CPU; `invalid`; `not-found` where an image is not on this host */
export async function checkDeployment(
  request: DeployRequest,
  images: ImageStore,
  { config, programs }: Pick<AgentContext, 'config' | 'programs'>,
): Promise<void> {
  await refuseBaseline(request.manifest, { name: config.name, env: programs.env });
  const { containers } = request.manifest.spec;
  startWaves(containers);
  for (const container of containers) {
    capabilitiesOf(container);
    checkWhatRuns(container);
    const digest = request.images[container.name];
    if (!digest)
      throw new CmigError('invalid', `the digest of the image of container ${container.name} is missing`);
    images.holds.hold(digest);
    await images.get(digest);
  }
}

/** Brings the application to `next`: what is unchanged runs on, what is replaced begins anew, volumes stay. */
export async function replaceContainers(
  application: SupervisedApplication,
  next: ApplicationRecord,
  { runtime, context }: Pick<ApplicationDependencies, 'runtime' | 'context'>,
  signal: AbortSignal,
): Promise<void> {
  const current = application.record;
  const replaced = containersToReplace(current, next);
  if (replaced.size > 0) {
    await application.stop(replaced);
    await application.removeRuntime(current.address === next.address ? replaced : undefined);
    for (const name of replaced) await runtime.wipe(application.name, name);
  }
  await application.put(next);
  if (next.desired === 'running') await startOrFail(application, context.log, signal);
}

/** A start that fails for good leaves nothing running, and a status that says why. */
export async function startOrFail(
  application: SupervisedApplication,
  log: Logger,
  signal: AbortSignal,
  options: { leaveDone?: boolean } = {},
): Promise<void> {
  try {
    await application.start(signal, options);
  } catch (error) {
    // Whoever made it give up ends it in his own way.
    if (signal.aborted) throw error;
    // What is only slow goes on: it may become ready yet.
    if (error instanceof CmigError && error.code === 'timeout') throw error;
    application.failure = error instanceof Error ? error.message : String(error);
    application.changed();
    await application.stop().catch((cause) => log.error({ err: cause }, 'stop failed'));
    throw error;
  }
}

/** Which containers must be replaced for `next` to be true; all of them where the network or the CPU's baseline changes. */
export function containersToReplace(current: ApplicationRecord, next: ApplicationRecord): Set<string> {
  const all = current.manifest.spec.containers;
  const isSameCpu = isDeepStrictEqual(current.manifest.spec.cpu, next.manifest.spec.cpu);
  if (current.address !== next.address || !isSameCpu) return new Set(all.map(({ name }) => name));
  const changed = all.filter((container) => {
    const after = next.manifest.spec.containers.find(({ name }) => name === container.name);
    const { name } = container;
    return !isDeepStrictEqual(after, container) || current.images[name] !== next.images[name];
  });
  return new Set(changed.map(({ name }) => name));
}
