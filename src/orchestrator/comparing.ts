// What is wanted beside what runs: equal, or different in which lines.
import type { Application, ApplicationManifest } from '../contract/application.ts';
import { completeApplication } from '../contract/defaults.ts';

/** A manifest in the form in which two are compared: defaults filled in, images by digest. */
export interface ComparableManifest {
  metadata: ApplicationManifest['metadata'];
  spec: unknown;
}

/**
 * @param images container name -> digest
 * @param stays what a manifest cannot change: the address where it leaves it open, and the first host
 */
export function comparable(
  manifest: Pick<ApplicationManifest, 'metadata' | 'spec'>,
  images: Readonly<Record<string, string>>,
  stays: { address: string; firstHost: string },
): ComparableManifest {
  const { metadata, spec } = completeApplication(manifest);
  return sorted({
    metadata: {
      name: metadata.name,
      ...(hasKeys(metadata.labels) ? { labels: metadata.labels } : {}),
      ...(hasKeys(metadata.annotations) ? { annotations: metadata.annotations } : {}),
    },
    spec: {
      ...spec,
      host: stays.firstHost,
      network: { ...spec.network, address: spec.network?.address ?? stays.address },
      containers: spec.containers.map((container) => ({
        ...container,
        image: images[container.name] ?? container.image,
      })),
    },
  }) as ComparableManifest;
}

/** What runs, in the same form. */
export const comparableOf = (application: Application): ComparableManifest =>
  comparable(
    application,
    Object.fromEntries(application.status.containers.map(({ name, image }) => [name, image])),
    { address: application.status.address, firstHost: application.spec.host },
  );

export const isEqual = (a: ComparableManifest, b: ComparableManifest): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const hasKeys = (record: object | undefined) => record !== undefined && Object.keys(record).length > 0;

/** The order of keys is no difference; that of a list may be one. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
