// The Node that goes with an agent: this machine's own, and for a machine of another architecture the same version from the npm registry.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolder } from '../../core/cache-folder.ts';
import { CmigError } from '../../core/errors.ts';
import { projectFolder } from '../../core/project-folder.ts';
import { type RunOptions, runProcess } from '../../core/run-process.ts';

/** That of the package `node` in package-lock.json, which installs what this machine runs on. */
export const nodeVersion = '24.21.0';

/** By the kernel's name of an architecture: Node's, and the digest of the program in the package for it, which root will run. */
const builds: Record<string, { arch: string; sha256: string }> = {
  x86_64: {
    arch: 'x64',
    sha256: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
  },
  aarch64: {
    arch: 'arm64',
    sha256: '0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584',
  },
};

/** What a host can be, by the kernel's names. */
export const architectures: readonly string[] = Object.keys(builds);

export interface NodeRuntime {
  /** Where it is here, or will be once it is fetched. */
  file: string;
  sha256: string;
  /** What `fetch` would fetch, in words; undefined where it is here. */
  toFetch?: string;
  /** @throws CmigError `failed` where it cannot be had, or is another one */
  fetch(signal?: AbortSignal): Promise<void>;
}

interface Surroundings {
  /** Below it, a folder for each version and architecture. */
  cache?: string;
  /** This machine's architecture, as Node names it. */
  own?: string;
  /** Beside this process's environment, for npm. */
  env?: Record<string, string>;
}

/** What fetching may take, for 50 MB over a slow line. */
const longestMs = 15 * 60_000;

/**
 * Of this machine's architecture what cmig runs on, of another one what is in the cache or is to be fetched; nothing is
 * fetched yet.
 * @param architecture as the kernel of the machine calls it
 * @throws CmigError `unsupported` where there is none for it
 */
export async function nodeRuntime(
  architecture: string,
  { cache = join(cacheFolder(), 'node'), own = process.arch, env }: Surroundings = {},
): Promise<NodeRuntime> {
  const build = builds[architecture];
  if (!build)
    throw new CmigError('unsupported', `there is no agent for ${architecture}`, {
      hint: `a host is one of ${architectures.join(', ')}`,
    });
  if (build.arch === own) {
    const file = await realpath(join(projectFolder(), 'node_modules/node/bin/node')).catch(
      () => process.execPath,
    );
    return { file, sha256: (await digestOf(file)) ?? '', fetch: async () => {} };
  }
  const folder = join(cache, `${nodeVersion}-${build.arch}`);
  const file = join(folder, 'node');
  const isHere = (await digestOf(file)) === build.sha256;
  return {
    file,
    sha256: build.sha256,
    ...(isHere ? {} : { toFetch: `Node ${nodeVersion} for ${build.arch}` }),
    fetch: async (signal) => {
      if (!isHere) await fetchNode(build, folder, { ...(env ? { env } : {}), ...(signal ? { signal } : {}) });
    },
  };
}

/** The registry is the one that npm is set to here, and its word is not enough: the program must be the one that is known. */
async function fetchNode(
  { arch, sha256 }: { arch: string; sha256: string },
  folder: string,
  npm: Pick<RunOptions, 'env' | 'signal'>,
): Promise<void> {
  const name = `node-linux-${arch}@${nodeVersion}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(folder, '.fetching-'));
  const options = { ...npm, cwd: projectFolder(), timeoutMs: longestMs };
  try {
    const argv = ['pack', name, '--ignore-scripts', '--loglevel=error', '--pack-destination', work];
    const { stdout } = await runProcess('npm', argv, options);
    const archive = join(work, stdout.trim().split('\n').at(-1) ?? '');
    await runProcess('tar', ['-xzf', archive, '-C', work, '--no-same-owner', 'package/bin/node'], options);
    const program = join(work, 'package/bin/node');
    if ((await digestOf(program)) !== sha256)
      throw new CmigError(
        'failed',
        `what the npm registry has as ${name} is not what this cmig was made with`,
      );
    await chmod(program, 0o755);
    await rename(program, join(folder, 'node'));
  } catch (cause) {
    if (cause instanceof CmigError && cause.code === 'cancelled') throw cause;
    throw new CmigError('failed', `Node for ${arch} cannot be had`, {
      hint: `npm here must reach a registry that has ${name} (npm ping, npm config get registry); or put the program of that package, package/bin/node, into ${folder} yourself`,
      cause,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Undefined where there is no such file. @throws whatever else keeps it from being read */
async function digestOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}
