// Images with a configuration, as people have them: from layouts, archives and a registry; what they say is what runs.
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import type { Application, Container } from '../../src/contract/application.ts';
import type { Image } from '../../src/contract/image.ts';
import { waitFor } from '../../src/core/retry.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import {
  type CmigResult,
  cmigJson,
  cmigOk,
  cmigWith,
  deleteAll,
  lab,
  onHost,
  startCmig,
  useLab,
} from './lab.ts';
import { connectToLab } from './lab-broker.ts';
import { NumberedStream } from './numbered-stream.ts';
import { buildLayout, skopeo } from './oci-images.ts';
import { Registry, user } from './registry.ts';
import { labName, settings } from './settings.ts';

useLab();

let folder: string;
let registry: Registry;
let layout: string;
beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'images-'));
  layout = await buildLayout(folder);
  await skopeo('copy', `oci:${layout}:app`, `docker-archive:${join(folder, 'app.tar')}:shop/web:1`);
  await mkdir(join(folder, 'registry'));
  registry = await Registry.start(join(folder, 'registry'));
}, 240_000);
afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true });
});
afterEach(deleteAll);

/** Images are fetched into a cache of this run's own. */
const run = (env: Record<string, string>, ...args: string[]): Promise<CmigResult> =>
  cmigWith(
    { env: { XDG_CACHE_HOME: join(folder, 'cache'), ...env }, cwd: folder, timeoutMs: 120_000 },
    ...args,
  );

async function written(image: string, container: Partial<Container> = {}): Promise<string> {
  const spec = { host: 'host-a', containers: [{ name: 'main', image, ready: { tcp: 7000 }, ...container }] };
  const manifest = { apiVersion: 'cmig.dev/v1', kind: 'Application', metadata: { name: 'web' }, spec };
  await writeFile(join(folder, 'web.yaml'), stringify(manifest));
  return 'web.yaml';
}

async function apply(image: string, container: Partial<Container> = {}, env = {}): Promise<CmigResult> {
  return run(env, 'apply', '--wait', '-f', await written(image, container));
}

async function applied(image: string, container: Partial<Container> = {}, env = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await apply(image, container, env);
  if (exitCode !== 0) throw new Error(`apply of ${image} exited with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

const get = () => cmigJson<Application>('get', 'app', 'web');
const inside = (...command: string[]) => cmigOk('exec', 'web', '--', ...command);
/** What a program says is written down a moment later. */
const logs = (words: string) =>
  waitFor(async () => (await cmigOk('logs', 'web')).includes(words), { timeoutMs: 60_000, what: words });

describe('an image with a configuration', () => {
  it('runs what it says, with its user, directory, environment and files, and is equal to itself', async () => {
    expect(await applied('oci:layout:app')).toContain('application/web created');
    const { spec, status } = await get();
    expect(spec.containers[0]).toMatchObject({
      image: 'oci:layout:app',
      command: ['/app/start.sh', 'plain'],
      user: '1000:1001',
      groups: [40],
      workingDir: '/srv/work',
      exposedPorts: ['7000/tcp'],
      stopSignal: 'SIGINT',
      volumes: [{ name: 'main-data', mountPath: '/data' }],
    });
    const description = await cmigOk('describe', 'app', 'web');
    expect(description).toMatch(/Command: +\/app\/start\.sh plain\n/);
    expect(description).toContain('COLOR=red');
    expect(await inside('sh', '-c', 'echo $(id -u) $(id -G) $PWD $COLOR')).toBe(
      '1000 1001 40 /srv/work red\n',
    );
    await logs('started with plain');
    // A container is found by its name.
    expect(await inside('sh', '-c', 'nc main 7000 </dev/null | head -n 1')).toMatch(/[0-9]/);
    // Replaced, removed and hidden by later layers.
    expect(await inside('sh', '-c', 'grep -r "" /srv/files | sort')).toBe(
      ['/srv/files/hidden/new:second', '/srv/files/kept:first', '/srv/files/replaced:second', ''].join('\n'),
    );
    // Its volume begins with what the image has there, and is the user's.
    expect(await inside('sh', '-c', 'stat -c "%u:%g %a" /data; cat /data/seed; touch /data/mine')).toBe(
      '1000:1001 750\nfrom the image\n',
    );
    expect(await applied('oci:layout:app')).toContain('application/web unchanged');
    expect((await run({}, 'diff', '-f', 'web.yaml')).exitCode).toBe(0);
    expect((await get()).status).toEqual(status);

    // What the manifest says wins; the volume is what it was.
    const own = { args: ['own'], env: [{ name: 'COLOR', value: 'green' }], user: 'root', workingDir: '/' };
    expect(await applied('oci:layout:app', own)).toContain('application/web configured');
    expect(await inside('sh', '-c', 'echo $(id -u) $PWD $COLOR; ls /data')).toBe('0 / green\nmine\nseed\n');
    await logs('started with own');
  });

  it('moves with its volume and an open connection, and is the same image from an archive', async () => {
    await applied('docker-archive:app.tar', { user: '0' });
    const { status } = await get();
    const stream = await NumberedStream.open({ host: status.address, port: 7000 });
    try {
      await stream.more(5);
      await inside('touch', '/data/mine');
      await cmigOk('migrate', 'web', 'host-b');
      await stream.more(5);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
    expect(await inside('ls', '/data', '/srv/files')).toBe(
      '/data:\nmine\nseed\n\n/srv/files:\nhidden\nkept\nreplaced\n',
    );
    // Content is what counts: nothing is another one, and the image was fetched once.
    expect(await applied('oci:layout:app', { user: '0' })).toContain('application/web unchanged');
    const cached = await readdir(join(folder, 'cache/cmig/images'));
    expect(cached.filter((name) => !name.startsWith('.'))).toHaveLength(1);
  });
});

describe('two images that share their base', () => {
  const layered = async (host: string) =>
    (await cmigJson<{ items: Image[] }>('get', 'images')).items.filter(
      ({ status }) => status.host === host && status.layers.length > 1,
    );
  const layersOn = async (host: string) =>
    (await onHost(host, 'ls', '/var/lib/cmig/layers')).split('\n').filter(Boolean);
  const named = async (name: string, image: string) => {
    await written(image, { user: '0' });
    const text = await readFile(join(folder, 'web.yaml'), 'utf8');
    await writeFile(join(folder, 'web.yaml'), text.replace('name: web', `name: ${name}`));
  };

  it('have it once on a host, and once on the way to it', async () => {
    await named('web', 'oci:layout:app');
    expect((await run({}, 'apply', '--wait', '-f', 'web.yaml')).exitCode).toBe(0);
    const before = await layersOn('host-a');
    await named('more', 'oci:layout:more');
    expect((await run({}, 'diff', '-f', 'web.yaml')).exitCode).toBe(1);
    // Damaged here, the base could not be sent: the host would refuse it.
    const { items } = await cmigJson<{ items: Application[] }>('get', 'apps');
    const web = items.find(({ metadata }) => metadata.name === 'web')!.status.containers[0]!.image;
    const largest = await largestFile(join(folder, 'cache/cmig/blobs/sha256'));
    const kept = await readFile(largest);
    await truncate(largest, 100);
    const { exitCode, stderr } = await run({}, 'apply', '--wait', '-f', 'web.yaml');
    await writeFile(largest, kept);
    expect([exitCode, stderr]).toEqual([0, expect.anything()]);
    expect(await layersOn('host-a')).toHaveLength(before.length + 4);
    const ownerOf = ['stat', '-c', '%u:%g %a', '/data'];
    expect(await cmigOk('exec', 'more', '--', ...ownerOf)).toBe('1000:1001 750\n');
    const more = (await cmigJson<Application>('get', 'app', 'more')).status.containers[0]!.image;
    const images = new Map((await layered('host-a')).map(({ status }) => [status.digest, status]));
    const shared = images.get(web)!.sizeBytes;
    expect(images.get(web)).toMatchObject({ sharedBytes: shared, ownBytes: 0, usedBy: ['web'] });
    expect(images.get(more)).toMatchObject({ sharedBytes: shared, usedBy: ['more'] });
    expect(images.get(more)!.ownBytes).toBeLessThan(100_000);
    expect(await cmigOk('get', 'images', '-o', 'wide')).toMatch(/ LAYERS +SHARED +OWN +DIGEST\n/);

    // From host to host, the one behind the other.
    const connection = await connectToLab(labName, 'images');
    const rpc = new RpcClient(connection, { caller: 'images' });
    try {
      await run({}, 'image', 'prune', 'host-b');
      const sent = [];
      for (const digest of [web, more])
        sent.push((await rpc.callLong('host-a', 'image.send', { digest, to: 'host-b' })).bytes);
      expect(sent[0]).toBeGreaterThan(shared / 10);
      expect(sent[1]).toBeLessThan(100_000);
    } finally {
      await connection.close();
    }

    // What the upper image removes is gone, what the lower one has stays, there and back.
    const files = () => cmigOk('exec', 'more', '--', 'ls', '/srv/files');
    const asItIs = 'hidden\nown\nreplaced\n';
    expect(await files()).toBe(asItIs);
    await cmigOk('migrate', 'more', 'host-b');
    expect(await files()).toBe(asItIs);
    await cmigOk('exec', 'more', '--', 'rm', '/srv/files/own');
    await cmigOk('checkpoint', 'more', '--name', 'layered');
    await cmigOk('exec', 'more', '--', 'touch', '/srv/files/kept');
    await cmigOk('restore', 'more', '--checkpoint', 'layered', '--host', 'host-a', '--discard-current');
    expect(await files()).toBe('hidden\nreplaced\n');
    expect(await cmigOk('exec', 'web', '--', 'ls', '/srv/files')).toBe('hidden\nkept\nreplaced\n');

    // The base stays as long as one of the two does.
    await cmigOk('delete', 'more');
    await cmigOk('delete', 'checkpoint/layered');
    const pruned = await run({}, 'image', 'prune');
    expect(pruned.stdout).toMatch(/^here: removed 1 image, /m);
    expect(pruned.stdout).toMatch(/^host-a: removed .*; freed .* in \d+ layers?$/m);
    expect((await layered('host-a')).map(({ status }) => [status.digest, status.ownBytes])).toEqual([
      [web, shared],
    ]);
    expect(await cmigOk('exec', 'web', '--', 'ls', '/srv/files')).toBe('hidden\nkept\nreplaced\n');
  });
});

const uploadsOn = (host: string): Promise<string[]> =>
  readdir(join(new LabPaths(labName).machine(host).data, 'images/.incoming'));

describe('images on hosts', () => {
  const images = async (): Promise<Image[]> =>
    (await cmigJson<{ items: Image[] }>('get', 'images')).items.filter(
      ({ status: { source = '' } }) => source.includes('layout') || source.includes('archive'),
    );

  it('are listed with what uses them, stay while anything does, and go when nothing does', async () => {
    await applied('oci:layout:app', { user: '0' });
    const digest = (await get()).status.containers[0]!.image;
    const name = digest.slice('sha256:'.length, 'sha256:'.length + 12);
    const mine = async () => (await images()).filter(({ status }) => status.digest === digest);
    await cmigOk('migrate', 'web', 'host-b');
    await cmigOk('stop', 'web');
    const users = (await mine()).map(({ status }) => [status.host, status.usedBy]);
    // Where it was deployed it is not used any more; an earlier test may have left it on others as well.
    expect(users).toEqual(
      expect.arrayContaining([
        ['host-a', []],
        ['host-b', ['web']],
      ]),
    );
    const table = await cmigOk('get', 'images');
    expect(table).toMatch(/^NAME +HOST +SIZE +USED BY +SOURCE +AGE\n/);
    expect(table).toMatch(new RegExp(`^${name} +host-b +[\\d.]+ MiB +web +`, 'm'));
    expect(await cmigOk('describe', 'image', name)).toMatch(/^Layers:$/m);
    const described = await cmigOk('describe', 'image', name);
    expect(described).toContain(digest);
    expect(described).toContain('host-b: ');
    expect(described).toMatch(/host-b: +used by web, .* shared with other images, there since/);

    const planned = await run({}, 'image', 'prune', '--dry-run');
    expect(planned.stdout).toMatch(new RegExp(`^host-a: would remove [^]*^  ${name} `, 'm'));
    expect(await mine()).toHaveLength(users.length);
    const pruned = await run({}, 'image', 'prune', '-o', 'json');
    const { hosts, here } = JSON.parse(pruned.stdout) as {
      hosts: { host: string; removed: { digest: string }[] }[];
      here: { images: number };
    };
    const removedAt = (host: string) =>
      hosts.find((each) => each.host === host)!.removed.map((each) => each.digest);
    expect(removedAt('host-a')).toContain(digest);
    expect(removedAt('host-b')).not.toContain(digest);
    // An application still uses it, so this machine keeps it, too.
    expect(here.images).toBe(0);
    expect((await mine()).map(({ status }) => status.host)).toEqual(['host-b']);
    const left = await onHost('host-a', 'ls', '-A', '/var/lib/cmig/images');
    expect(left).not.toContain(digest.slice('sha256:'.length));

    // A checkpoint is of no use without it.
    await cmigOk('start', 'web');
    await cmigOk('checkpoint', 'web', '--name', 'kept');
    await cmigOk('delete', 'web');
    const all = await run({}, 'image', 'prune');
    expect(all.stdout).toMatch(/^here: removed 1 image, /m);
    expect((await mine()).map(({ status }) => status.usedBy)).toEqual([['checkpoint/kept']]);
    await cmigOk('delete', 'checkpoint', 'kept');
    expect((await run({}, 'image', 'prune', 'host-b')).stdout).toContain(name);
    expect(await mine()).toEqual([]);
    expect(await readdir(join(folder, 'cache/cmig/images'))).toEqual([]);
    expect((await run({}, 'image', 'prune', 'host-x')).exitCode).toBe(3);
    // What is gone is brought again.
    expect(await applied('oci:layout:app')).toContain('created');

    // What has come to harm on this machine is fetched again.
    await cmigOk('delete', 'web');
    await run({}, 'image', 'prune', 'host-a');
    await truncate(await largestFile(join(folder, 'cache/cmig/blobs/sha256')), 100);
    const harmed = await apply('oci:layout:app');
    expect([harmed.exitCode, harmed.stderr]).toEqual([
      2,
      expect.stringContaining('was damaged on this machine'),
    ]);
    // Nor does the host keep what it got of it.
    expect(await uploadsOn('host-a')).toEqual([]);
    expect(await applied('oci:layout:app')).toContain('created');
  });
});

describe('an upload', () => {
  it('that is interrupted leaves nothing on the host', async () => {
    await mkdir(join(folder, 'large/bin'), { recursive: true });
    await writeFile(join(folder, 'large/bin/content'), randomBytes(48 * 2 ** 20));
    const manifest = await written('dir:large', { command: ['/bin/content'] });
    await lab('shape', 'host-a', '--rate', '40mbit');
    const applying = startCmig('apply', '-f', join(folder, manifest));
    try {
      const begun = async () => (await uploadsOn('host-a')).length > 0;
      await waitFor(begun, { timeoutMs: 60_000, what: 'the upload' });
      applying.kill('SIGINT');
      expect(await applying.ended).toEqual({ exitCode: 130 });
      expect(await uploadsOn('host-a')).toEqual([]);
      expect(await cmigOk('get', 'apps', '-o', 'name')).toBe('');
    } finally {
      applying.kill('SIGKILL');
      await applying.ended;
      await lab('shape', 'host-a', '--rate', 'none');
    }
  });
});

describe('an image of a registry', () => {
  const push = (tag: string, to: string) =>
    skopeo(
      'copy',
      '--dest-tls-verify=false',
      `--dest-authfile=${registry.authFile}`,
      `oci:${layout}:${tag}`,
      `docker://${registry.address}/shop/web:${to}`,
    );

  it('is pulled with the user’s credentials, stays what its tag stood for, and can be pinned', async () => {
    const image = `docker://${registry.address}/shop/web`;
    const credentials = { REGISTRY_AUTH_FILE: registry.authFile };
    await push('app', 'stable');

    const refused = await apply(`${image}:stable`, {}, { REGISTRY_AUTH_FILE: join(folder, 'none.json') });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`is not given by ${registry.address}: it wants a user who may read it`);
    expect(refused.stderr).toContain(`skopeo login ${registry.address}`);
    const absent = await apply(`${image}:missing`, {}, credentials);
    expect([absent.exitCode, absent.stderr]).toEqual([3, expect.stringContaining('knows no such image')]);

    expect(await applied(`${image}:stable`, {}, credentials)).toContain('created');
    expect(await inside('sh', '-c', 'echo $COLOR')).toBe('red\n');
    const first = (await get()).spec.containers[0]!.image;
    expect(first).toMatch(/^docker:\/\/127\.0\.0\.1:\d+\/shop\/web:stable@sha256:[0-9a-f]{64}$/);
    expect(await applied(`${image}:stable`, {}, credentials)).toContain('unchanged');

    await push('again', 'stable');
    // As "docker login" and "skopeo login" leave them.
    const home = join(folder, 'home');
    await cp(registry.authFile, join(home, '.docker/config.json'));
    expect(await applied(first, {}, { HOME: home, XDG_RUNTIME_DIR: home })).toContain('unchanged');
    expect(await applied(`${image}:stable`, {}, credentials)).toContain('configured');
    expect(await inside('sh', '-c', 'echo $COLOR')).toBe('blue\n');
    expect((await get()).spec.containers[0]!.image).not.toBe(first);
    // Nobody tells the password.
    const told = await run({ ...credentials, CMIG_DEBUG: '1' }, 'apply', '-f', 'web.yaml', '-o', 'json');
    expect(`${told.stdout}${told.stderr}`).not.toContain(user.password);
    expect(await onHost('host-a', 'grep', '-rlE', user.password, '/var/lib/cmig').catch(() => '')).toBe('');
  });

  it('is refused where the registry does not answer', async () => {
    const { exitCode, stderr } = await apply('docker://127.0.0.1:1/shop/web:1');
    expect([exitCode, stderr]).toEqual([8, expect.stringContaining('127.0.0.1:1 does not answer')]);
  });
});

describe('a bad image changes nothing', () => {
  afterEach(async () => expect(await cmigOk('get', 'apps', '-o', 'name')).toBe(''));

  it('is refused at its line and column', async () => {
    await written('oci:layout:ap');
    const { exitCode, stderr } = await run({}, 'validate', '-f', 'web.yaml');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('web.yaml:9:14: the image "layout" has no image that is tagged "ap"');
    expect(stderr).toContain('did you mean "app"?');
  });

  it.each<[string, (path: string) => Promise<void>]>([
    [
      'a layer with another byte',
      async (path) => {
        const file = await largestBlob(path);
        const bytes = await readFile(file);
        bytes[bytes.length >> 1]! ^= 1;
        await writeFile(file, bytes);
      },
    ],
    [
      'a layer cut short',
      async (path) => {
        const file = await largestBlob(path);
        await truncate(file, (await stat(file)).size >> 1);
      },
    ],
    ['a layer that is missing', async (path) => rm(await largestBlob(path))],
  ])('%s', async (_what, damage) => {
    const path = join(folder, 'damaged');
    await cp(layout, path, { recursive: true });
    try {
      await damage(path);
      const cache = { XDG_CACHE_HOME: join(folder, 'other-cache') };
      const { exitCode, stderr } = await apply('oci:damaged:app', {}, cache);
      expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/damaged:app@sha256:\w+ is damaged/)]);
      const left = await readdir(join(folder, 'other-cache/cmig/images'));
      expect(left).toEqual([]);
    } finally {
      await rm(path, { recursive: true });
    }
  });

  it('an archive cut short, and one that lacks the image asked for', async () => {
    const path = join(folder, 'damaged.tar');
    await cp(join(folder, 'app.tar'), path);
    await truncate(path, (await stat(path)).size >> 1);
    const cache = { XDG_CACHE_HOME: join(folder, 'other-cache') };
    const short = await apply('docker-archive:damaged.tar', {}, cache);
    expect([short.exitCode, short.stderr]).toEqual([2, expect.stringContaining('is damaged')]);
    const other = await apply('docker-archive:app.tar:shop/api:1', {}, cache);
    expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('is not in the archive')]);
  });

  it('another digest than the one it is pinned to, or a user that it does not know', async () => {
    const pinned = await apply(`oci:layout:app@sha256:${'0'.repeat(64)}`);
    expect([pinned.exitCode, pinned.stderr]).toEqual([2, expect.stringContaining('has the digest sha256:')]);
    const unknown = await apply('oci:layout:app', { user: 'nobody' });
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain('container main: there is no user "nobody" in the image\'s /etc/passwd');
    expect(unknown.stderr).toContain('it knows root, web');
  });
});

const largestBlob = (path: string): Promise<string> => largestFile(join(path, 'blobs/sha256'));

async function largestFile(blobs: string): Promise<string> {
  const sizes = await Promise.all(
    (await readdir(blobs)).map(async (name) => ({ name, size: (await stat(join(blobs, name))).size })),
  );
  return join(blobs, sizes.sort((a, b) => b.size - a.size)[0]!.name);
}
