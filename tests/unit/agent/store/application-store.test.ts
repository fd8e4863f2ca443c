// Records of applications on disk.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ApplicationRecord, ApplicationStore } from '../../../../agent/store/application-store.ts';
import { AgentPaths } from '../../../../agent/store/paths.ts';

const record = (name: string): ApplicationRecord => ({
  manifest: {
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name },
    spec: { host: 'host-a', containers: [{ name: 'db', image: 'dir:db', command: ['db'] }] },
  },
  images: { db: 'sha256:1' },
  epoch: 3,
  address: '10.77.0.10',
  mac: '02:00:00:00:00:01',
  desired: 'running',
  createdAt: '2026-11-25T16:00:00Z',
});

let folder: string;
let paths: AgentPaths;
let store: ApplicationStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-store-'));
  paths = new AgentPaths({ dataDirectory: folder, runDirectory: join(folder, 'run') });
  store = new ApplicationStore(paths);
  await mkdir(paths.applicationsDirectory, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('ApplicationStore', () => {
  it('gives back what was put, the last one', async () => {
    await store.put(record('shop'));
    await store.put({ ...record('shop'), epoch: 4 });
    expect(await store.get('shop')).toEqual({ ...record('shop'), epoch: 4 });
    expect(await store.get('nobody')).toBeUndefined();
  });

  it('lists by name, without folders that have no record', async () => {
    await store.put(record('web'));
    await store.put(record('db'));
    await mkdir(paths.application('half'));
    expect((await store.list()).map(({ manifest }) => manifest.metadata.name)).toEqual(['db', 'web']);
  });

  it('removes all of an application, and nothing of another', async () => {
    await store.put(record('shop'));
    await store.put(record('web'));
    await mkdir(paths.volume('shop', 'data'), { recursive: true });
    await writeFile(join(paths.volume('shop', 'data'), 'file'), 'x');
    await store.remove('shop');
    await store.remove('shop');
    expect(await readdir(paths.applicationsDirectory)).toEqual(['web']);
  });

  it('finishes a removal that was interrupted after its first step', async () => {
    await mkdir(join(paths.applicationsDirectory, '.removed-shop-1'), { recursive: true });
    expect(await store.list()).toEqual([]);
    await store.sweep();
    expect(await readdir(paths.applicationsDirectory)).toEqual([]);
  });

  it('says which file is damaged', async () => {
    await mkdir(paths.application('shop'), { recursive: true });
    await writeFile(paths.applicationFile('shop'), '{"manifest":');
    await expect(store.get('shop')).rejects.toThrow(paths.applicationFile('shop'));
  });
});
