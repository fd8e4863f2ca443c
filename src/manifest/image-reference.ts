// What stands behind `image:`, taken apart: a root file system by its path, or an image of a layout, archive or registry.

/** A root file system as it is. */
export interface RootReference {
  form: 'dir' | 'tar';
  path: string;
}

/** An image of an OCI layout, a folder. */
export interface LayoutReference {
  form: 'oci';
  path: string;
  tag?: string;
  /** sha256:… of its manifest. */
  digest?: string;
}

/** What `docker save` writes. */
export interface ArchiveReference {
  form: 'docker-archive';
  path: string;
  /** NAME:TAG, where the archive holds several images. */
  name?: string;
}

export interface RegistryReference {
  form: 'docker';
  /** With its registry, where one was given. */
  name: string;
  tag?: string;
  /** sha256:… of its manifest. */
  digest?: string;
}

/** Of an image that brings a configuration along. */
export type ConfiguredReference = LayoutReference | ArchiveReference | RegistryReference;
export type ImageReference = RootReference | ConfiguredReference;

export const isRoot = (reference: ImageReference): reference is RootReference =>
  reference.form === 'dir' || reference.form === 'tar';

/** Why a text is no reference. */
export interface ReferenceProblem {
  message: string;
  hint?: string;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** Of a registry: a name with a dot, a port, or localhost. */
const registryPattern = /^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)(:[0-9]{1,5})?$/;
const componentPattern = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;

/** A text that the schema takes for an image. Paths are as they were given. */
export function parseImageReference(text: string): ImageReference | ReferenceProblem {
  const [, form, rest] = /^(dir|tar|oci|docker-archive|docker):(.+)$/s.exec(text) ?? [];
  if (!form || !rest) return { message: 'is no image' };
  if (form === 'dir' || form === 'tar') return { form, path: rest };
  const { body, digest, problem } = withoutDigest(rest);
  if (problem) return problem;
  if (form === 'docker') return registryReference(body, digest);
  if (form === 'docker-archive') {
    if (digest)
      return {
        message: 'an archive has no digest of a manifest',
        hint: 'only oci: and docker:// can be pinned by @sha256:…',
      };
    const colon = body.indexOf(':');
    if (colon < 0) return { form, path: body };
    const named = registryReference(`//${body.slice(colon + 1)}`, undefined);
    if ('message' in named) return named;
    return { form, path: body.slice(0, colon), name: body.slice(colon + 1) };
  }
  const colon = body.lastIndexOf(':');
  const isTagged = colon >= 0 && !body.slice(colon).includes('/');
  const tag = isTagged ? body.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return badTag(tag);
  const path = isTagged ? body.slice(0, colon) : body;
  if (!path) return { message: 'the path of the layout is missing', hint: 'write oci:DIR or oci:DIR:TAG' };
  return { form: 'oci', path, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) };
}

function withoutDigest(text: string): { body: string; digest?: string; problem?: ReferenceProblem } {
  const at = text.lastIndexOf('@');
  // A path may hold an @; what looks like the beginning of a digest is meant as one.
  if (at < 0 || !/^@(sha|[a-z0-9]+:)/.test(text.slice(at))) return { body: text };
  const digest = text.slice(at + 1);
  if (digestPattern.test(digest)) return { body: text.slice(0, at), digest };
  const length = /^sha256:([0-9a-f]*)$/.exec(digest)?.[1]?.length;
  return {
    body: text,
    problem: {
      message: `${JSON.stringify(digest)} is no digest`,
      hint:
        length === undefined
          ? 'it is written @sha256: and 64 hexadecimal digits'
          : `it has ${length} hexadecimal digits, not 64`,
    },
  };
}

function registryReference(body: string, digest: string | undefined): RegistryReference | ReferenceProblem {
  const text = body.replace(/^\/\//, '');
  const colon = text.lastIndexOf(':');
  const isTagged = colon >= 0 && !text.slice(colon).includes('/');
  const tag = isTagged ? text.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return badTag(tag);
  const name = isTagged ? text.slice(0, colon) : text;
  const components = name.split('/');
  const registry = isRegistry(components[0]!) && components.length > 1 ? components.shift()! : undefined;
  if (registry !== undefined && !registryPattern.test(registry))
    return { message: `${JSON.stringify(registry)} is no registry`, hint: 'a registry is HOST or HOST:PORT' };
  const wrong = components.find((component) => !componentPattern.test(component));
  if (wrong === undefined)
    return { form: 'docker', name, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) };
  const lower = wrong.toLowerCase();
  return {
    message: `${JSON.stringify(name)} is no name of an image`,
    hint:
      wrong !== lower && componentPattern.test(lower)
        ? `names are written in lower case: ${JSON.stringify(lower)}`
        : 'an example is docker://registry.example.org/team/web:1.2',
  };
}

const badTag = (tag: string): ReferenceProblem => ({
  message: `${JSON.stringify(tag)} is no tag`,
  hint: 'a tag is 1 to 128 letters, digits, "_", "." and "-", and begins with none of the last two',
});

const isRegistry = (component: string): boolean => component === 'localhost' || /[.:[]/.test(component);

/** The registry that a name is asked of, `docker.io` where it names none. */
export function registryOf({ name }: RegistryReference): string {
  const [first, ...others] = name.split('/');
  return others.length > 0 && isRegistry(first!) ? first! : 'docker.io';
}

/** As a manifest writes it. */
export function referenceText(reference: ImageReference): string {
  switch (reference.form) {
    case 'dir':
    case 'tar':
      return `${reference.form}:${reference.path}`;
    case 'docker-archive':
      return `docker-archive:${reference.path}${suffix(':', reference.name)}`;
    case 'oci':
      return `oci:${reference.path}${suffix(':', reference.tag)}${suffix('@', reference.digest)}`;
    case 'docker':
      return `docker://${reference.name}${suffix(':', reference.tag)}${suffix('@', reference.digest)}`;
  }
}

const suffix = (mark: string, text: string | undefined): string => (text === undefined ? '' : mark + text);
