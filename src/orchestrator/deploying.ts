// Carries one plan out: images to the host, then the deployment itself.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { waitFor } from '../core/retry.ts';
import { type ApplyOptions, type ApplyPlan, digestsOf } from './applying.ts';
import type { OrchestratorContext } from './context.ts';
import { bringImage } from './image-upload.ts';
import type { Inventory } from './inventory.ts';

/** Without `wait`: how long a deployment is watched for a failure before it is left to the host. */
const firstFailureMs = 1000;

/**
 * Answers how the application is then. With `wait` it is ready; without, the host has begun and did not fail at once.
 * @throws CmigError whatever the host says; `timeout`
 */
export async function deployPlanned(
  context: OrchestratorContext,
  plan: ApplyPlan,
  inventory: Inventory,
  options: ApplyOptions,
): Promise<Application> {
  const host = plan.host.metadata.name;
  const name = plan.wanted.manifest.metadata.name;
  const onProgress = options.onProgress ?? (() => {});
  const get = () => context.rpc.call(host, 'application.get', { name });
  if (plan.outcome === 'unchanged') return options.wait ? untilReady(get, name, options) : plan.existing!;
  await bringImages(context, plan, inventory, onProgress);
  const step = `deploy ${name}`;
  onProgress({ type: 'begun', step, title: `${plan.existing ? 'update' : 'deploy'} ${name} on ${host}` });
  try {
    const application = await deploy(context, plan, options, get);
    onProgress({ type: 'ended', step, note: application.status.phase });
    return application;
  } catch (error) {
    onProgress({ type: 'failed', step });
    throw error;
  }
}

async function deploy(
  { rpc }: OrchestratorContext,
  plan: ApplyPlan,
  options: ApplyOptions,
  get: () => Promise<Application>,
): Promise<Application> {
  const params = { manifest: plan.wanted.manifest, images: digestsOf(plan.images), address: plan.address };
  const accepted = Promise.withResolvers<void>();
  const ended = rpc.callLong(plan.host.metadata.name, 'application.deploy', params, {
    timeoutMs: options.wait ? (options.timeoutMs ?? 0) : 0,
    onAccepted: accepted.resolve,
  });
  if (options.wait) return ended;
  ended.catch(() => {}); // whoever does not wait hears only of what fails at once
  await Promise.race([accepted.promise, ended]);
  const soon = await Promise.race([ended, sleep(firstFailureMs)]);
  return soon ?? (await get());
}

async function bringImages(
  context: OrchestratorContext,
  plan: ApplyPlan,
  inventory: Inventory,
  onProgress: OnProgress,
): Promise<void> {
  const host = plan.host.metadata.name;
  const peers = inventory.hosts
    .filter(({ status, metadata }) => status.condition === 'Ready' && metadata.name !== host)
    .map(({ metadata }) => metadata.name);
  const byDigest = new Map(Object.values(plan.images).map((image) => [image.digest, image]));
  for (const { digest, sizeBytes, source } of byDigest.values()) {
    const step = `image ${digest} to ${host}`;
    onProgress({ type: 'begun', step, title: `send image ${source.path} to ${host}` });
    const origin = await bringImage(context, {
      source,
      image: { digest, sizeBytes },
      host,
      peers,
      onBytes: (bytes, bytesPerSecond) =>
        onProgress({ type: 'progressed', step, bytes, totalBytes: sizeBytes, bytesPerSecond }),
    });
    if (origin.from === 'present') onProgress({ type: 'skipped', step, note: 'already there' });
    else
      onProgress({ type: 'ended', step, ...(origin.from === 'host' ? { note: `from ${origin.host}` } : {}) });
  }
}

/** Phases that may still turn into Running by themselves. */
const hopeful = ['Deploying', 'NotReady', 'Migrating', 'Incoming'];

async function untilReady(
  get: () => Promise<Application>,
  name: string,
  { timeoutMs, signal }: ApplyOptions,
): Promise<Application> {
  return waitFor(
    async () => {
      const application = await get();
      const { phase, message } = application.status;
      if (phase === 'Running') return application;
      if (hopeful.includes(phase)) return undefined;
      throw new CmigError('failed', `application ${name} is ${phase}${message ? `: ${message}` : ''}`, {
        hint: `see: cmig describe application ${name}; start it with: cmig start ${name}`,
      });
    },
    {
      timeoutMs: timeoutMs ?? 60_000,
      intervalMs: 200,
      what: `application ${name} becoming ready`,
      ...(signal ? { signal } : {}),
    },
  );
}
