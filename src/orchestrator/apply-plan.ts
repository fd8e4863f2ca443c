// What apply would do: where each application goes, with which images, and how it differs from what runs.
import type { ApplicationManifest } from '../contract/application.ts';
import { collide } from '../contract/published-port.ts';
import { CmigError } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { throwAll } from '../core/throw-all.ts';
import { type ImageReference, referenceText } from '../manifest/image-reference.ts';
import { type ComparableManifest, comparable, comparableOf, isEqual } from './comparing.ts';
import { ImageResolver, type ResolvedImage } from './image-resolving.ts';
import type { Inventory } from './inventory.ts';
import type { AwayApplication } from './last-holder.ts';
import { type Placement, placeApplication, portTaken } from './placing.ts';

/** An application that is wanted, with where its images are on this machine. */
export interface WantedApplication {
  manifest: ApplicationManifest;
  /** Container name -> image. */
  images: Readonly<Record<string, ImageReference>>;
  /** Where it was declared, for messages. */
  where: string;
}

export interface ApplyPlan extends Placement {
  wanted: WantedApplication;
  /** The wanted manifest with everything said that the images say: what will run. */
  manifest: ApplicationManifest;
  outcome: 'created' | 'configured' | 'unchanged';
  /** Container name -> its image. */
  images: Record<string, ResolvedImage>;
  /** Other hosts that can be asked for an image. */
  peers: string[];
  /** In the form in which the two were compared; `before` is absent for a new application. */
  before?: ComparableManifest;
  after: ComparableManifest;
}

/**
 * What would be done; changes nothing.
 * @param away what hosts have that did not answer
 * @throws CmigError as `applyApplications`
 */
export async function planApply(
  inventory: Inventory,
  wanted: readonly WantedApplication[],
  resolver = new ImageResolver(),
  onProgress: OnProgress = () => {},
  away: readonly AwayApplication[] = [],
): Promise<ApplyPlan[]> {
  const placed = placeAll(inventory, wanted, away);
  await readImages(placed, resolver, onProgress);
  const ready = inventory.hosts
    .filter(({ status }) => status.condition === 'Ready')
    .map(({ metadata }) => metadata.name);
  return Promise.all(
    placed.map(async ({ one, placement }) => ({
      ...(await compare(one, placement, resolver)),
      peers: ready.filter((name) => name !== placement.host.metadata.name),
    })),
  );
}

/** Before anything else is done with them, so that it can be shown. */
async function readImages(
  placed: readonly { one: WantedApplication; placement: Placement }[],
  resolver: ImageResolver,
  onProgress: OnProgress,
): Promise<void> {
  const readings = new Map<string, { reference: ImageReference; architecture: string | undefined }>();
  for (const { one, placement } of placed) {
    const { architecture } = placement.host.status;
    for (const reference of Object.values(one.images))
      readings.set(`read ${referenceText(reference)} ${architecture}`, { reference, architecture });
  }
  onProgress({
    type: 'planned',
    steps: [...readings].map(([step, { reference }]) => ({
      step,
      title: `read image ${'path' in reference ? reference.path : referenceText(reference)}`,
    })),
  });
  for (const [step, { reference, architecture }] of readings) {
    onProgress({ type: 'begun', step });
    const { sizeBytes } = await resolver.resolve(reference, architecture, (bytes) =>
      onProgress({ type: 'progressed', step, bytes }),
    );
    onProgress({ type: 'progressed', step, bytes: sizeBytes });
    onProgress({ type: 'ended', step });
  }
}

function placeAll(
  inventory: Inventory,
  wanted: readonly WantedApplication[],
  away: readonly AwayApplication[],
) {
  const reserved = new Set<string>();
  const errors: CmigError[] = [];
  // Addresses that are asked for come first, so that none is given away to one that does not care.
  const eager = [...wanted].sort((a, b) => Number(hasAddress(b)) - Number(hasAddress(a)));
  const placements = new Map<WantedApplication, Placement>();
  for (const one of eager) {
    try {
      const placement = placeApplication(inventory, one.manifest, reserved, away);
      reserved.add(placement.address);
      for (const other of placements.keys())
        for (const port of other.manifest.spec.network?.ports ?? []) {
          const taken = one.manifest.spec.network?.ports?.find((own) => collide(own, port));
          if (taken) throw portTaken(one.manifest.metadata.name, taken, other.manifest.metadata.name);
        }
      placements.set(one, placement);
    } catch (error) {
      if (!(error instanceof CmigError)) throw error;
      errors.push(error);
    }
  }
  throwAll(errors, `${errors.length} applications cannot be placed; nothing was changed`);
  return wanted.map((one) => ({ one, placement: placements.get(one)! }));
}

const hasAddress = ({ manifest }: WantedApplication) => manifest.spec.network?.address !== undefined;

async function compare(
  wanted: WantedApplication,
  placement: Placement,
  resolver: ImageResolver,
): Promise<Omit<ApplyPlan, 'peers'>> {
  const { existing, address, host } = placement;
  const { architecture } = host.status;
  const resolved = await resolver.resolveApplication(wanted.manifest, wanted.images, architecture);
  const { manifest, images } = resolved;
  const notes = [...placement.notes, ...resolved.notes];
  const after = comparable(manifest, digestsOf(images), {
    address,
    firstHost: existing?.spec.host ?? manifest.spec.host,
  });
  const planned = { ...placement, notes, wanted, manifest, images, after };
  if (!existing) return { ...planned, outcome: 'created' };
  const before = comparableOf(existing);
  // What could not be started is tried again, though nothing differs.
  const settled = existing.status.phase !== 'Failed' && isEqual(before, after);
  const outcome = settled ? 'unchanged' : 'configured';
  return { ...planned, before, outcome };
}

/** Container name -> digest. */
export const digestsOf = (images: Readonly<Record<string, ResolvedImage>>): Record<string, string> =>
  Object.fromEntries(Object.entries(images).map(([container, { digest }]) => [container, digest]));
