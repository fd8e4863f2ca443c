// From what a manifest says of an image to what will run: a digest, layers to send, and a container with
// everything said that its image says. Each image is looked at once in one run.
import { readFile, realpath } from 'node:fs/promises';
import type { ApplicationManifest, Container } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import { runProcess } from '../core/run-process.ts';
import {
  type ConfiguredReference,
  type ImageReference,
  isRoot,
  type RootReference,
  referenceText,
} from '../manifest/image-reference.ts';
import { type ImageDigest, ImageDigests } from './image-digests.ts';
import type { AccountFiles } from './oci/accounts.ts';
import { fetchedImage } from './oci/image-cache.ts';
import { type ConfiguredImage, configureContainer, type ImageConfig } from './oci/image-config.ts';
import { inspectImage } from './oci/skopeo.ts';

export interface ResolvedImage extends ImageDigest {
  /** As a manifest would write it; that of a registry by its digest. */
  text: string;
  config: ImageConfig;
  accounts: () => Promise<AccountFiles>;
}

export interface ResolvedApplication {
  manifest: ApplicationManifest;
  /** Container name -> its image. */
  images: Record<string, ResolvedImage>;
  notes: string[];
}

export class ImageResolver {
  readonly #digests = new ImageDigests();
  readonly #configured = new Map<string, Promise<ResolvedImage>>();

  /**
   * The image for a host.
   * @param architecture of the host, as Node names it; this machine's if absent
   * @throws CmigError as `inspectImage`, `fetchedImage` and `ImageDigests.of`
   */
  async resolve(
    reference: ImageReference,
    architecture: string = process.arch,
    onBytes?: (bytes: number) => void,
  ): Promise<ResolvedImage> {
    if (isRoot(reference)) {
      const image = await this.#digests.of(reference, onBytes);
      const accounts = () => readAccounts(reference);
      return { ...image, text: referenceText(reference), config: {}, accounts };
    }
    const key = `${architecture} ${referenceText(reference)}`;
    const known = this.#configured.get(key) ?? resolveConfigured(reference, architecture, onBytes);
    this.#configured.set(key, known);
    return known;
  }

  /** The application with everything said that its images say. @throws CmigError as `configureContainer` */
  async resolveApplication(
    manifest: ApplicationManifest,
    references: Readonly<Record<string, ImageReference>>,
    architecture?: string,
  ): Promise<ResolvedApplication> {
    const { spec } = manifest;
    const images: Record<string, ResolvedImage> = {};
    const containers: Container[] = [];
    const volumes = [...(spec.volumes ?? [])];
    const notes: string[] = [];
    for (const container of spec.containers) {
      const reference = references[container.name];
      if (!reference) throw new CmigError('invalid', `container ${container.name} has no image`);
      const image = await this.resolve(reference, architecture);
      images[container.name] = image;
      const accounts = needsAccounts(container, image) ? await image.accounts() : { passwd: '', group: '' };
      const configured = configureContainer(
        { ...container, image: statedImage(container.image, reference, image) },
        { config: image.config, accounts } satisfies ConfiguredImage,
        new Set(volumes.map(({ name }) => name)),
      );
      containers.push(configured.container);
      volumes.push(...configured.volumes);
      notes.push(...configured.notes);
    }
    const withVolumes = volumes.length > 0 ? { volumes } : {};
    return { manifest: { ...manifest, spec: { ...spec, ...withVolumes, containers } }, images, notes };
  }
}

/** Of a registry's image the digest that its tag stood for; of all others what the manifest says. */
const statedImage = (text: string, reference: ImageReference, image: ResolvedImage): string =>
  reference.form === 'docker' ? image.text : text;

const needsAccounts = ({ user }: Container, { config }: ResolvedImage): boolean =>
  user === undefined ? Boolean(config.User) : !/^[0-9]+(:[0-9]+)?$/.test(user);

async function resolveConfigured(
  reference: ConfiguredReference,
  architecture: string,
  onBytes?: (bytes: number) => void,
): Promise<ResolvedImage> {
  const wanted = goArchitecture(architecture);
  const { pinned, config: text } = await inspectImage(reference, wanted);
  const parsed = parseConfig(text, reference);
  if (parsed.architecture && parsed.architecture !== wanted)
    throw new CmigError(
      'unsupported',
      `the image ${referenceText(reference)} is for ${parsed.architecture}, and the host is ${wanted}`,
      { hint: 'name an image that is made for it' },
    );
  const { accounts, ...image } = await fetchedImage(pinned, {
    config: text,
    architecture: wanted,
    ...(onBytes ? { onBytes } : {}),
  });
  return {
    ...image,
    text: referenceText(pinned),
    config: parsed.config ?? {},
    accounts: async () => accounts,
  };
}

function parseConfig(
  text: string,
  reference: ConfiguredReference,
): { architecture?: string; config?: ImageConfig } {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CmigError('invalid', `the configuration of the image ${referenceText(reference)} is no JSON`, {
      cause,
    });
  }
}

/** The OCI image-spec takes the names of Go. */
const goArchitecture = (architecture: string): string =>
  ({ x64: 'amd64', ia32: '386', ppc64: 'ppc64le' })[architecture] ?? architecture;

/** The accounts of a root file system; those of a file that it does not have are none. */
async function readAccounts(root: RootReference): Promise<AccountFiles> {
  return { passwd: await readRootFile(root, 'etc/passwd'), group: await readRootFile(root, 'etc/group') };
}

async function readRootFile({ form, path }: RootReference, name: string): Promise<string> {
  if (form === 'tar') {
    const args = ['-xOf', path, '--', name, `./${name}`];
    return (await runProcess('tar', args, { allowedExitCodes: [0, 2] })).stdout;
  }
  // A link may not lead out of it.
  const file = await realpath(`${path}/${name}`).catch(() => undefined);
  return file?.startsWith(`${path}/`) ? readFile(file, 'utf8').catch(() => '') : '';
}
