// What apply would do: where each application goes, with which images, and how it differs from what runs.
import type { ApplicationManifest } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { type ComparableManifest, comparable, comparableOf, isEqual } from './comparing.ts';
import { type ImageDigest, ImageDigests } from './image-digests.ts';
import type { ImageSource } from './image-source.ts';
import type { Inventory } from './inventory.ts';
import { type Placement, placeApplication } from './placing.ts';

/** An application that is wanted, with where its images are on this machine. */
export interface WantedApplication {
  manifest: ApplicationManifest;
  /** Container name -> image. */
  images: Readonly<Record<string, ImageSource>>;
  /** Where it was declared, for messages. */
  where: string;
}

export interface PlannedImage extends ImageDigest {
  source: ImageSource;
}

export interface ApplyPlan extends Placement {
  wanted: WantedApplication;
  outcome: 'created' | 'configured' | 'unchanged';
  /** Container name -> its image. */
  images: Record<string, PlannedImage>;
  /** Other hosts that can be asked for an image. */
  peers: string[];
  /** In the form in which the two were compared; `before` is absent for a new application. */
  before?: ComparableManifest;
  after: ComparableManifest;
}

/** What would be done; changes nothing. @throws CmigError as `applyApplications` */
export async function planApply(
  inventory: Inventory,
  wanted: readonly WantedApplication[],
  digests = new ImageDigests(),
  onProgress: OnProgress = () => {},
): Promise<ApplyPlan[]> {
  const placed = placeAll(inventory, wanted);
  const sources = new Map(
    wanted.flatMap(({ images }) => Object.values(images)).map((source) => [source.path, source]),
  );
  const step = (source: ImageSource) => `read ${source.path}`;
  onProgress({
    type: 'planned',
    steps: [...sources.values()].map((source) => ({
      step: step(source),
      title: `read image ${source.path}`,
    })),
  });
  for (const source of sources.values()) {
    onProgress({ type: 'begun', step: step(source) });
    const { sizeBytes } = await digests.of(source, (bytes) =>
      onProgress({ type: 'progressed', step: step(source), bytes }),
    );
    onProgress({ type: 'progressed', step: step(source), bytes: sizeBytes });
    onProgress({ type: 'ended', step: step(source) });
  }
  const ready = inventory.hosts
    .filter(({ status }) => status.condition === 'Ready')
    .map(({ metadata }) => metadata.name);
  return Promise.all(
    placed.map(async ({ one, placement }) => ({
      ...(await compare(one, placement, digests)),
      peers: ready.filter((name) => name !== placement.host.metadata.name),
    })),
  );
}

function placeAll(inventory: Inventory, wanted: readonly WantedApplication[]) {
  const reserved = new Set<string>();
  const errors: CmigError[] = [];
  // Addresses that are asked for come first, so that none is given away to one that does not care.
  const eager = [...wanted].sort((a, b) => Number(hasAddress(b)) - Number(hasAddress(a)));
  const placements = new Map<WantedApplication, Placement>();
  for (const one of eager) {
    try {
      const placement = placeApplication(inventory, one.manifest, reserved);
      reserved.add(placement.address);
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
  known: ImageDigests,
): Promise<Omit<ApplyPlan, 'peers'>> {
  const images: Record<string, PlannedImage> = {};
  for (const [container, source] of Object.entries(wanted.images)) {
    images[container] = { source, ...(await known.of(source)) };
  }
  const { existing, address } = placement;
  const after = comparable(wanted.manifest, digestsOf(images), {
    address,
    firstHost: existing?.spec.host ?? wanted.manifest.spec.host,
  });
  if (!existing) return { ...placement, wanted, images, after, outcome: 'created' };
  const before = comparableOf(existing);
  // What could not be started is tried again, though nothing differs.
  const settled = existing.status.phase !== 'Failed' && isEqual(before, after);
  const outcome = settled ? 'unchanged' : 'configured';
  return { ...placement, wanted, images, before, after, outcome };
}

/** Container name -> digest. */
export const digestsOf = (images: Readonly<Record<string, PlannedImage>>): Record<string, string> =>
  Object.fromEntries(Object.entries(images).map(([container, { digest }]) => [container, digest]));

/** The only error as it is, or all of them as the problems of one. */
export function throwAll(errors: readonly CmigError[], message: string): void {
  if (errors.length === 1) throw errors[0]!;
  if (errors.length === 0) return;
  throw new CmigError(errors[0]!.code, message, {
    problems: errors.map(({ message, hint }) => ({ message, ...(hint ? { hint } : {}) })),
  });
}
