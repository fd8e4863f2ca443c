// skopeo: reads manifests and configurations of images and copies images, and says in our words what went wrong.
// Credentials are its own business: it looks for them in $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json and
// ~/.docker/config.json; they appear neither among its arguments nor in what is told of it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CmigError } from '../../core/errors.ts';
import { runProcess } from '../../core/run-process.ts';
import { type ConfiguredReference, referenceText, registryOf } from '../../manifest/image-reference.ts';

const inspectMs = 120_000;
/** A large image over a slow line; whoever waits can interrupt it. */
const copyMs = 4 * 3_600_000;

/** An image of one architecture, as its source has it now. */
export interface InspectedImage {
  /** With the digest of its manifest where that can be named: what is fetched later is this and nothing else. */
  pinned: ConfiguredReference;
  /** The text of its configuration, byte for byte. */
  config: string;
}

/**
 * @param architecture as the OCI image-spec names it, such as amd64
 * @throws CmigError `not-found`, `unreachable`, `invalid` (damaged, or another digest), `failed` (no access)
 */
export async function inspectImage(
  reference: ConfiguredReference,
  architecture: string,
): Promise<InspectedImage> {
  const ask = async (of: ConfiguredReference, ...options: string[]): Promise<string> => {
    const flags = tlsFlags(of, '--tls-verify=false');
    return (await skopeo(reference, architecture, ['inspect', ...options, ...flags, address(of)], inspectMs))
      .stdout;
  };
  const manifest = await ask(reference, '--raw');
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  const wanted = 'digest' in reference ? reference.digest : undefined;
  if (wanted !== undefined && wanted !== digest)
    throw new CmigError('invalid', `the image ${referenceText(reference)} has the digest ${digest}`, {
      hint: 'it was changed since its digest was written down, or is damaged',
    });
  const pinned = reference.form === 'docker-archive' ? reference : { ...reference, digest };
  return { pinned, config: await ask(pinned, '--raw', '--config') };
}

/**
 * Copies an image into an OCI layout that is made for it, every digest checked; blobs go to a folder that layouts share,
 * and what is there is not copied again.
 * @throws CmigError as `inspectImage`
 */
export async function copyToLayout(
  reference: ConfiguredReference,
  architecture: string,
  { layout, blobs, tag }: { layout: string; blobs: string; tag: string },
): Promise<void> {
  await skopeo(
    reference,
    architecture,
    [
      ...['copy', '--quiet', '--dest-oci-accept-uncompressed-layers', '--dest-shared-blob-dir', blobs],
      ...tlsFlags(reference, '--src-tls-verify=false'),
      ...[address(reference), `oci:${layout}:${tag}`],
    ],
    copyMs,
  );
}

/** A reference as skopeo writes it; it takes either a tag or a digest. */
function address(reference: ConfiguredReference): string {
  if (reference.form === 'docker') {
    const { name, tag, digest } = reference;
    if (digest !== undefined) return `docker://${name}@${digest}`;
    return `docker://${name}:${tag ?? 'latest'}`;
  }
  if (reference.form === 'docker-archive') return referenceText(reference);
  const { path, tag } = reference;
  return referenceText({ form: 'oci', path, ...(tag ? { tag } : {}) });
}

/** As Docker: a registry of this very machine may do without TLS. */
function tlsFlags(reference: ConfiguredReference, flag: string): string[] {
  if (reference.form !== 'docker') return [];
  const host = registryOf(reference).replace(/:[0-9]+$/, '');
  return /^(localhost|127\.[0-9.]+|\[::1\])$/.test(host) ? [flag] : [];
}

/** Where a machine says nothing of signatures, none are asked for. */
const policyFlags = (): string[] =>
  [join(homedir(), '.config/containers/policy.json'), '/etc/containers/policy.json'].some((file) =>
    existsSync(file),
  )
    ? []
    : ['--insecure-policy'];

async function skopeo(
  reference: ConfiguredReference,
  architecture: string,
  args: readonly string[],
  timeoutMs: number,
) {
  const common = [...policyFlags(), '--override-os', 'linux', '--override-arch', architecture];
  try {
    return await runProcess('skopeo', [...common, ...args], { timeoutMs });
  } catch (error) {
    throw inOurWords(error, reference);
  }
}

interface Meaning {
  pattern: RegExp;
  code: 'not-found' | 'unreachable' | 'invalid' | 'failed' | 'unsupported';
  what: (registry: string) => string;
  hint?: (registry: string) => string;
}

const damaged = 'is damaged';
const meanings: readonly Meaning[] = [
  {
    pattern: /unauthorized|authentication required|access to the resource is denied|\b401\b|\b403\b/i,
    code: 'failed',
    what: (registry) => `is not given by ${registry}: it wants a user who may read it`,
    hint: (registry) =>
      `log in with "skopeo login ${registry}"; looked in $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json and ~/.docker/config.json`,
  },
  {
    pattern: /no image found in (manifest list|image index)|no matching manifest|image operating system/i,
    code: 'unsupported',
    what: () => 'is not there for this architecture',
  },
  {
    pattern: /manifest unknown|name unknown|repository name not known|reading manifest .* not found|\b404\b/i,
    code: 'not-found',
    what: (registry) => `is not there: ${registry} knows no such image`,
    hint: () => 'is its name right, and its tag?',
  },
  {
    pattern: /server gave HTTP response to HTTPS client|x509|certificate|tls: /i,
    code: 'unreachable',
    what: (registry) => `cannot be had: ${registry} does not speak TLS that this machine trusts`,
    hint: () => 'containers-registries.conf(5) says how a registry is trusted',
  },
  {
    pattern:
      /connection refused|no such host|i\/o timeout|network is unreachable|no route to host|deadline exceeded|connection reset|temporary failure/i,
    code: 'unreachable',
    what: (registry) => `cannot be had: ${registry} does not answer`,
  },
  {
    pattern: /expected [0-9]+ items?|tag .* not found/i,
    code: 'invalid',
    what: () => 'is not in the archive, or is one of several there',
    hint: () => 'name it as docker-archive:FILE:NAME:TAG',
  },
  {
    pattern:
      /digest|size mismatch|unexpected EOF|invalid (header|checksum|character)|gzip|flate|zstd|no such file|corrupt|unexpected end|looking for|missing/i,
    code: 'invalid',
    what: () => damaged,
    hint: () => 'build or copy it again',
  },
];

function inOurWords(error: unknown, reference: ConfiguredReference): unknown {
  if (!(error instanceof CmigError)) return error;
  const text = referenceText(reference);
  if (error.code === 'unsupported')
    return new CmigError('unsupported', `the image ${text} needs skopeo`, {
      hint: 'install it: apt-get install skopeo',
      cause: error,
    });
  if (error.code !== 'tool-failed') return error;
  const said = fatalMessage(error);
  const registry = reference.form === 'docker' ? registryOf(reference) : 'its source';
  const meaning = meanings.find(({ pattern }) => pattern.test(said));
  if (!meaning)
    return new CmigError('tool-failed', `the image ${text} cannot be read: ${said}`, { cause: error });
  return new CmigError(meaning.code, `the image ${text} ${meaning.what(registry)}`, {
    hint: meaning.hint?.(registry),
    cause: error,
  });
}

/** skopeo ends with: time="…" level=fatal msg="…" */
function fatalMessage({ tool, message }: CmigError): string {
  const line = tool?.output.findLast((each) => each.includes('level=fatal')) ?? message;
  const quoted = /msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (!quoted) return line;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
