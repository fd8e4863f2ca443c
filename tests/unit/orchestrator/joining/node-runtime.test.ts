// The Node for a host of another architecture: what is pinned, what is fetched, and what is refused.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../../src/core/run-process.ts';
import {
  architectures,
  nodeRuntime,
  nodeVersion,
} from '../../../../src/orchestrator/joining/node-runtime.ts';

const root = join(import.meta.dirname, '../../../..');
/** As the kernel calls them. */
const [here = '', elsewhere = ''] = process.arch === 'x64' ? architectures : [...architectures].reverse();
/** What npm has installed is what it would fetch elsewhere. */
const own = join(root, 'node_modules/node/bin/node');

describe('the Node of a host', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cmig-node-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is of the version that this machine runs on', async () => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
    expect(nodeVersion).toBe(lock.packages['node_modules/node'].version);
  });

  it('is known by the digest of its program, whether it is installed here or fetched elsewhere', async () => {
    const installed = await nodeRuntime(here);
    const fetched = await nodeRuntime(here, { own: 'another', cache: folder });
    expect(installed.sha256).toBe(fetched.sha256);
    await expect(nodeRuntime('riscv64')).rejects.toThrow('there is no agent for riscv64');
  });

  it('is fetched once, and again where it is not what it was', async () => {
    const there = { own: 'another', cache: join(folder, 'cache') };
    const place = join(there.cache, `${nodeVersion}-${process.arch}`);
    const toFetch = `Node ${nodeVersion} for ${process.arch}`;
    expect(await nodeRuntime(here, there)).toMatchObject({ toFetch });
    await mkdir(place, { recursive: true });
    await symlink(own, join(place, 'node'));
    expect(await nodeRuntime(here, there)).not.toHaveProperty('toFetch');
    await rm(join(place, 'node'));
    await writeFile(join(place, 'node'), 'something else');
    expect(await nodeRuntime(here, there)).toMatchObject({ toFetch });
  });

  it('is refused where a registry has another program by its name, or there is no registry', async () => {
    const cache = join(folder, 'refused');
    const registry = await openRegistry(folder);
    const fetching = async (npmCache: string) => {
      const npm = { npm_config_registry: registry.url, npm_config_cache: join(folder, npmCache) };
      const env = { ...npm, npm_config_fetch_retries: '0' };
      await (await nodeRuntime(elsewhere, { cache, env })).fetch();
    };
    const refusal = { code: 'failed', message: expect.stringMatching(/^Node for \w+ cannot be had$/) };
    await expect(fetching('first')).rejects.toMatchObject({
      ...refusal,
      cause: { message: expect.stringMatching(/^what the npm registry has as .* is not what this cmig/) },
    });
    await registry.close();
    await expect(fetching('second')).rejects.toMatchObject({
      ...refusal,
      hint: expect.stringContaining('npm here must reach a registry'),
      cause: { code: 'tool-failed', message: expect.stringContaining('npm') },
    });
    const [place = ''] = await readdir(cache);
    expect(await readdir(join(cache, place))).toEqual([]);
  });
});

/** A registry of npm packages, each of which has a program that says nothing. */
async function openRegistry(folder: string) {
  const archive = join(folder, 'package.tgz');
  await mkdir(join(folder, 'package/bin'), { recursive: true });
  await writeFile(join(folder, 'package/bin/node'), '#!/bin/true\n');
  await writeFile(join(folder, 'package/package.json'), '{"name": "any", "version": "1.0.0"}');
  await runProcess('tar', ['-czf', archive, '-C', folder, 'package']);
  const bytes = await readFile(archive);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const server = createServer(({ url = '' }, response) => {
    if (url.endsWith('.tgz')) return response.end(bytes);
    const name = url.slice(1);
    const version = { name, version: nodeVersion, dist: { tarball: `${address()}${name}.tgz`, integrity } };
    return response.end(
      JSON.stringify({ name, 'dist-tags': { latest: nodeVersion }, versions: { [nodeVersion]: version } }),
    );
  });
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: address(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
