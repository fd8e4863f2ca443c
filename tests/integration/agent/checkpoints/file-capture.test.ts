// What a checkpoint shares with the one before it, and what it must not: with real rsync, find and sha256sum.
import { randomFillSync } from 'node:crypto';
import { chmod, link, mkdir, mkdtemp, open, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FileCapture } from '../../../../agent/checkpoints/file-capture.ts';
import { seal, verifySeal } from '../../../../agent/checkpoints/seal.ts';
import { runProcess } from '../../../../src/core/run-process.ts';
import { mountBtrfs } from './btrfs-mount.ts';

const btrfs = await mountBtrfs();
if (typeof btrfs === 'string') process.stderr.write(`no btrfs here, so reflinks are not tested: ${btrfs}\n`);
afterAll(async () => {
  if (typeof btrfs !== 'string') await btrfs.unmount();
});

jest.setTimeout(180_000);
let disk = tmpdir();
let root: string;
let application: string;
beforeEach(async () => {
  root = await mkdtemp(join(disk, 'cmig-capture-'));
  application = join(root, 'application');
  await mkdir(join(application, 'volumes/data'), { recursive: true });
  await writeFile(join(application, 'application.json'), '{}');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const live = (name: string): string => join(application, 'volumes/data', name);
const kept = (checkpoint: string, name: string): string => join(root, checkpoint, 'files/volumes/data', name);
const inodeOf = async (file: string): Promise<number> => (await stat(file)).ino;

/** @param between what happens after most has been copied, before everything stands still */
async function capture(
  name: string,
  options: {
    previous?: { name: string; frozenAtMs: number };
    mapped?: string[];
    between?: () => Promise<void>;
  } = {},
): Promise<number> {
  const { previous, mapped = [], between } = options;
  const checkpoint = join(root, name);
  await mkdir(join(checkpoint, 'images'), { recursive: true });
  const files = new FileCapture({
    folder: application,
    checkpoint,
    previous: previous && { folder: join(root, previous.name), frozenAtMs: previous.frozenAtMs },
    mappedFiles: async () => mapped.map((each) => `volumes/data/${each}`),
  });
  await files.prepare();
  await between?.();
  const frozenAtMs = Date.now();
  await files.finish();
  await files.tidy();
  await writeFile(join(checkpoint, 'checkpoint.json'), '{}');
  await seal(checkpoint, previous ? [join(root, previous.name)] : []);
  return frozenAtMs;
}

describe('the files of a checkpoint', () => {
  it('are those of the one before where they are the same, whatever their times say', async () => {
    const old = new Date(1e12);
    for (const name of ['same', 'touched', 'rewritten', 'mapped', 'changed-late']) {
      await writeFile(live(name), `first ${name}`);
      await utimes(live(name), old, old);
    }
    await link(live('same'), live('same-too'));
    const frozenAtMs = await capture('one', { mapped: ['mapped'] });

    await chmod(live('same'), 0o640);
    await chmod(live('same'), 0o644);
    await utimes(live('touched'), new Date(), new Date());
    // As large and as old as before: only what it holds is another.
    await writeFile(live('rewritten'), 'other rewritten'.slice(0, 15));
    await utimes(live('rewritten'), old, old);
    await capture('two', {
      previous: { name: 'one', frozenAtMs },
      between: async () => {
        await writeFile(live('changed-late'), 'other changed-late');
        await utimes(live('changed-late'), old, old);
        await chmod(live('same'), 0o600);
      },
    });

    expect(await inodeOf(kept('two', 'mapped'))).toBe(await inodeOf(kept('one', 'mapped')));
    expect(await inodeOf(kept('two', 'same'))).toBe(await inodeOf(kept('two', 'same-too')));
    for (const name of ['rewritten', 'changed-late']) {
      expect(await readFile(kept('one', name), 'utf8')).toBe(`first ${name}`);
      expect(await readFile(kept('two', name), 'utf8')).toBe(await readFile(live(name), 'utf8'));
    }
    // What is shared is never changed in place.
    expect(((await stat(kept('one', 'same'))).mode & 0o777).toString(8)).toBe('644');
    expect(((await stat(kept('two', 'same'))).mode & 0o777).toString(8)).toBe('600');
    await verifySeal(join(root, 'one'), 'one');
    await verifySeal(join(root, 'two'), 'two');
  });

  it('are known for damaged, whatever was done to them', async () => {
    await writeFile(live('file'), 'x'.repeat(10_000));
    await writeFile(live('odd\nname'), 'odd');
    await capture('one');
    const spoilt = async (what: (folder: string) => Promise<void>): Promise<string> => {
      const folder = join(root, 'spoilt');
      await runProcess('cp', ['-a', join(root, 'one'), folder]);
      await what(folder);
      const error: Error = await verifySeal(folder, 'one').then(
        () => new Error('not noticed'),
        (reason: Error) => reason,
      );
      await rm(folder, { recursive: true });
      return error.message;
    };
    const data = 'files/volumes/data';
    expect(await spoilt(async () => {})).toBe('not noticed');
    const flip = async (folder: string): Promise<void> => {
      const path = join(folder, data, 'file');
      const file = await open(path, 'r+');
      await file.write('y', 5000);
      await file.close();
      await runProcess('touch', ['-r', join(root, 'one', data, 'file'), path]);
    };
    expect(await spoilt(flip)).toContain(`${data}/file is damaged`);
    expect(await spoilt((folder) => rm(join(folder, data, 'odd\nname')))).toContain(
      `${data}/odd?name is missing`,
    );
    expect(await spoilt((folder) => writeFile(join(folder, data, 'more'), ''))).toContain(
      `${data}/more does not belong to it`,
    );
    expect(await spoilt((folder) => writeFile(join(folder, 'checksums'), ''))).toContain(
      'checksums is damaged',
    );
    expect(await spoilt((folder) => rm(join(folder, 'seal.json')))).toContain('seal.json is missing');
  });
});

const mb = 2 ** 20;

(typeof btrfs === 'string' ? describe.skip : describe)('on a file system that can share blocks', () => {
  const used = () => (btrfs as Exclude<typeof btrfs, string>).usedBytes();
  beforeAll(() => {
    disk = (btrfs as Exclude<typeof btrfs, string>).folder;
  });
  afterAll(() => {
    disk = tmpdir();
  });

  it('the files of a checkpoint take no room but for what changed, also within a file', async () => {
    await writeFile(live('large'), randomFillSync(Buffer.alloc(24 * mb)));
    await writeFile(live('other'), randomFillSync(Buffer.alloc(4 * mb)));
    const atFirst = await used();
    expect(atFirst).toBeGreaterThanOrEqual(28 * mb);
    const frozenAtMs = await capture('one');
    expect((await used()) - atFirst).toBeLessThan(mb);

    const large = await open(live('large'), 'r+');
    await large.write(Buffer.alloc(2 * mb, 'changed'), 0, 2 * mb, 8 * mb);
    await large.close();
    await rm(live('other'));
    const changed = await used();
    await capture('two', { previous: { name: 'one', frozenAtMs } });
    expect((await used()) - changed).toBeLessThan(mb);
    // All of it is what it was then.
    await verifySeal(join(root, 'one'), 'one');
    await verifySeal(join(root, 'two'), 'two');
    expect((await readFile(kept('two', 'large'))).equals(await readFile(live('large')))).toBe(true);
    expect((await readFile(kept('one', 'large'))).equals(await readFile(live('large')))).toBe(false);
    expect((await stat(kept('one', 'other'))).size).toBe(4 * mb);
  });
});
