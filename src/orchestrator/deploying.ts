// Carries one plan out: images to the host, then the deployment itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Application } from '../contract/application.ts';
import { CmigError, codeOf } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { waitFor } from '../core/retry.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { type ApplyPlan, digestsOf } from './apply-plan.ts';
import type { ApplyOptions } from './applying.ts';
import type { OrchestratorContext } from './context.ts';
import { withNetworkMutex } from './exclusive.ts';
import { bringImage } from './image-upload.ts';

/** Without `wait`: how long a deployment is watched for a failure before it is left to the host. */
const firstFailureMs = 1000;

/**
 * Answers the plan that was carried out and how the application is then. With `wait` it is ready, unless it is stopped, and
 * stays so; without, the host has begun and did not fail at once.
 * @param exclusively under the application's mutex. It is not kept for as long as the application takes to become ready:
 * another change, or its end, need not wait for that, and its host does one thing at a time to it in any case
 * @param replan plans anew, by what exists at that moment
 * @throws CmigError whatever the host says, also that something else was done to it before it was ready; `timeout`;
 * `cancelled`, and a host goes on with what it has begun
 */
export async function deployPlanned(
  context: OrchestratorContext,
  exclusively: <T>(work: () => Promise<T>) => Promise<T>,
  replan: () => Promise<ApplyPlan>,
  options: ApplyOptions,
): Promise<{ plan: ApplyPlan; application: Application }> {
  const { signal, wait, onProgress = () => {} } = options;
  const cancellable = <T>(work: Promise<T>) => unlessAborted(work, signal, 'cmig apply');
  const { plan, application, ended } = await exclusively(async () => {
    const plan = await cancellable(replan());
    if (plan.outcome === 'unchanged') return { plan, application: plan.existing!, ended: undefined };
    await bringImages(context, plan, onProgress, signal);
    const { metadata } = plan.manifest;
    const title = `${plan.existing ? 'update' : 'deploy'} ${metadata.name} on ${plan.host.metadata.name}`;
    onProgress({ type: 'begun', step: stepOf(plan), title });
    return failing(plan, onProgress, async () => {
      const begun = await cancellable(begin(context, plan, replan, options));
      begun.ended.catch(() => {}); // whoever does not wait hears only of what fails at once
      if (wait) return { ...begun, application: undefined };
      const early = await cancellable(Promise.race([begun.ended, sleep(firstFailureMs)]));
      return { ...begun, application: early ?? (await getApplication(context, plan)) };
    });
  });
  if (!ended) {
    const get = () => getApplication(context, plan);
    return { plan, application: wait ? await untilReady(get, plan, options) : application };
  }
  const last = application ?? (await failing(plan, onProgress, () => cancellable(ended)));
  onProgress({ type: 'ended', step: stepOf(plan), note: last.status.phase });
  return { plan, application: last };
}

const stepOf = (plan: ApplyPlan) => `deploy ${nameOf(plan)}`;

/** Tells where it fails; one that is cancelled says what goes on. */
async function failing<T>(plan: ApplyPlan, onProgress: OnProgress, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    onProgress({ type: 'failed', step: stepOf(plan) });
    if (codeOf(error) !== 'cancelled') throw error;
    const name = nameOf(plan);
    throw new CmigError('cancelled', 'cmig apply was cancelled', {
      hint: `${plan.host.metadata.name} may go on with ${name}: see it with cmig get application ${name}, or end it with cmig delete ${name}`,
      cause: error,
    });
  }
}

const nameOf = ({ wanted }: ApplyPlan) => wanted.manifest.metadata.name;
const getApplication = ({ rpc }: OrchestratorContext, plan: ApplyPlan) =>
  rpc.call(plan.host.metadata.name, 'application.get', { name: nameOf(plan) });

interface BegunDeployment {
  plan: ApplyPlan;
  ended: Promise<Application>;
}

/** Where an address or a host port is given away, that is in a moment in which nobody else gives one away. */
async function begin(
  context: OrchestratorContext,
  plan: ApplyPlan,
  replan: () => Promise<ApplyPlan>,
  options: ApplyOptions,
): Promise<BegunDeployment> {
  if (plan.existing && hasClaims(plan.existing, plan)) return start(context, plan, options);
  return withNetworkMutex(context, 'cmig apply', async () => {
    const begun = await start(context, await replan(), options);
    const known = () =>
      getApplication(context, begun.plan).then(
        (application) => hasClaims(application, begun.plan),
        () => false,
      );
    const isKnown = waitFor(known, { timeoutMs: 5000, intervalMs: 20, what: 'the deployment' });
    await Promise.race([isKnown, begun.ended]).catch(() => {});
    return begun;
  });
}

/** Whether it has the address and the host ports of the plan. */
const hasClaims = ({ spec, status }: Application, { address, manifest }: ApplyPlan): boolean =>
  status.address === address && isDeepStrictEqual(spec.network?.ports, manifest.spec.network?.ports);

async function start(
  { rpc }: OrchestratorContext,
  plan: ApplyPlan,
  options: ApplyOptions,
): Promise<BegunDeployment> {
  const params = { manifest: plan.manifest, images: digestsOf(plan.images), address: plan.address };
  const accepted = Promise.withResolvers<void>();
  const ended = rpc.callLong(plan.host.metadata.name, 'application.deploy', params, {
    timeoutMs: options.wait ? (options.timeoutMs ?? 0) : 0,
    onAccepted: accepted.resolve,
  });
  await Promise.race([accepted.promise, ended]);
  return { plan, ended };
}

async function bringImages(
  context: OrchestratorContext,
  plan: ApplyPlan,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const host = plan.host.metadata.name;
  const byDigest = new Map(Object.values(plan.images).map((image) => [image.digest, image]));
  for (const image of byDigest.values()) {
    const { digest, text } = image;
    let totalBytes = image.sizeBytes;
    const step = `image ${digest} to ${host}`;
    onProgress({ type: 'begun', step, title: `send image ${text.replace(/^(dir|tar):/, '')} to ${host}` });
    const origin = await bringImage(context, {
      text,
      image,
      host,
      peers: plan.peers,
      signal,
      onBytes: (bytes, bytesPerSecond) =>
        onProgress({ type: 'progressed', step, bytes, totalBytes, bytesPerSecond }),
      onMissing: (bytes) => {
        totalBytes = bytes;
      },
    });
    if (origin.from === 'present') onProgress({ type: 'skipped', step, note: 'already there' });
    else
      onProgress({ type: 'ended', step, ...(origin.from === 'host' ? { note: `from ${origin.host}` } : {}) });
  }
}

/** Phases that may still turn into Running by themselves. */
const hopeful = ['Deploying', 'NotReady', 'Migrating', 'Incoming', 'Checkpointing', 'Restoring'];

/** For an application that nothing was done to, so that its host sets no limit. */
async function untilReady(
  get: () => Promise<Application>,
  plan: ApplyPlan,
  { timeoutMs = 60_000, signal }: ApplyOptions,
): Promise<Application> {
  const name = nameOf(plan);
  let last = plan.existing!;
  const probe = async () => {
    last = await get();
    const { phase } = last.status;
    // Of one that is stopped there is nothing to wait for: what that means is not said here.
    if (phase === 'Running' || phase === 'Stopped') return last;
    if (hopeful.includes(phase)) return undefined;
    throw new CmigError('failed', `application ${name} is ${phase}${why(last)}`, {
      hint: `see: cmig describe application ${name}; start it with: cmig start ${name}`,
    });
  };
  const what = `application ${name} becoming ready`;
  return waitFor(probe, { timeoutMs, intervalMs: 200, what, ...(signal ? { signal } : {}) }).catch(
    (error) => {
      if (codeOf(error) !== 'timeout') throw error;
      throw new CmigError(
        'timeout',
        `application ${name} was not ready within ${timeoutMs / 1000} s${why(last)}`,
        {
          hint: `see: cmig describe application ${name}; cmig logs ${name}`,
        },
      );
    },
  );
}

/** `: container web: nobody listens on port 80`, or the empty text. */
function why({ status }: Application): string {
  const words = status.containers.flatMap(({ name, message }) =>
    message ? [`container ${name}: ${message}`] : [],
  );
  const all = words.length > 0 ? words : status.message ? [status.message] : [];
  return all.length > 0 ? `: ${all.join('; ')}` : '';
}
