// Says of every file of a checkpoint what it must be, so that a damaged or incomplete one is never restored.
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { readJsonFile } from '../store/durable-file.ts';

/** What there is below a checkpoint's folder beside what describes it. */
const contents = ['files', 'images'];
/**
 * `checkpoint.json` (the record), `mapped` (files that were written through memory), `entries` (type, owner, time, size
 * of each) and `checksums` (of each regular file).
 */
const described = ['checkpoint.json', 'mapped', 'entries', 'checksums'] as const;

type Seal = Record<(typeof described)[number], string>;

/** What criu and runc say of their work is no part of it: the end of that comes when it is sealed already. */
const isLog = (path: string): boolean => /^images\/[^/]+\/(dump\.log|runc\.out|stats-dump)$/.test(path);

/** Names may hold anything but a zero byte, and need not be UTF-8: as latin1 every byte is kept. */
type Listing = Map<string, string>;

/**
 * Writes `entries`, `checksums` and last of all `seal.json`. The checksum of a file that is, by its inode, that of an
 * `earlier` checkpoint is taken from there: it is what was captured then that counts.
 */
export async function seal(folder: string, earlier: readonly string[]): Promise<void> {
  await list(folder, join(folder, 'entries'), entryFormat);
  const known = new Map((await Promise.all(earlier.map(checksumsByInode))).flatMap((sums) => [...sums]));
  const inodes = await inodesOf(folder);
  const fresh: string[] = [];
  const lines: string[] = [];
  for (const [path, inode] of inodes) {
    const sum = known.get(inode);
    if (sum) lines.push(`${sum}  ${path}\0`);
    else fresh.push(path);
  }
  await writeFile(join(folder, 'checksums'), Buffer.from(lines.join(''), 'latin1'));
  await appendChecksums(folder, fresh, join(folder, 'checksums'));
  const sums = await Promise.all(described.map(async (name) => [name, await checksum(join(folder, name))]));
  await writeFile(join(folder, 'seal.json'), `${JSON.stringify(Object.fromEntries(sums))}\n`);
}

/** @throws CmigError `failed` that names the file which is damaged, missing or too many */
export async function verifySeal(folder: string, checkpoint: string): Promise<void> {
  const damaged = (file: string, what: string) =>
    new CmigError('failed', `checkpoint ${checkpoint} cannot be used: ${file} ${what}`, {
      hint: 'nothing was changed; restore another one (cmig get checkpoints), and delete this one',
    });
  const expected = await readJsonFile<Seal>(join(folder, 'seal.json')).catch(() => undefined);
  if (!expected) throw damaged('seal.json', 'is missing or damaged');
  for (const name of described) {
    const sum = await checksum(join(folder, name)).catch(() => undefined);
    if (sum !== expected[name]) throw damaged(name, sum === undefined ? 'is missing' : 'is damaged');
  }
  const entries = await readEntries(join(folder, 'entries'));
  const scratch = `${folder}.${randomBytes(4).toString('hex')}.verify`;
  const present = await inScratch(scratch, async () => {
    await list(folder, scratch, entryFormat);
    return readEntries(scratch);
  });
  for (const [path, entry] of entries) {
    if (!present.has(path)) throw damaged(shown(path), 'is missing');
    if (present.get(path) !== entry)
      throw damaged(shown(path), 'is not as it was (size, time, owner or mode)');
  }
  for (const path of present.keys())
    if (!entries.has(path)) throw damaged(shown(path), 'does not belong to it');
  const sums = await readChecksums(join(folder, 'checksums'));
  const found = await inScratch(scratch, async () => {
    await writeFile(scratch, '');
    await appendChecksums(folder, [...sums.keys()], scratch);
    return readChecksums(scratch);
  });
  for (const [path, sum] of sums) if (found.get(path) !== sum) throw damaged(shown(path), 'is damaged');
}

/** Type, mode, owner, time, size, target of a link; of folders no time or size, which differ between file systems. */
const entryFormat = [
  // The way to a program that listened: criu makes it anew, and tar leaves it out.
  ...['-type', 's', '-o'],
  ...['-type', 'd', '-printf', 'd %m %U %G\\0%p\\0', '-o'],
  ...['-type', 'l', '-printf', 'l %U %G %l\\0%p\\0', '-o'],
  ...['-printf', '%y %m %U %G %T@ %s\\0%p\\0'],
];

async function list(folder: string, file: string, format: string[]): Promise<void> {
  const output = createWriteStream(file, { mode: 0o600 });
  await runProcess('find', [...contents, ...format], { cwd: folder, stdout: output, timeoutMs: 0 });
  output.end();
  await finished(output);
}

async function readEntries(file: string): Promise<Listing> {
  const words = (await readFile(file, 'latin1')).split('\0');
  const listing: Listing = new Map();
  for (let at = 0; at + 1 < words.length; at += 2)
    if (!isLog(words[at + 1]!)) listing.set(words[at + 1]!, words[at]!);
  return listing;
}

async function readChecksums(file: string): Promise<Listing> {
  const lines = (await readFile(file, 'latin1')).split('\0').filter(Boolean);
  const sums = lines.map((line): [string, string] => [line.slice(66), line.slice(0, 64)]);
  return new Map(sums.filter(([path]) => !isLog(path)));
}

/** Of every regular file: path -> device and inode. */
async function inodesOf(folder: string): Promise<Listing> {
  const file = `${folder}.inodes`;
  return inScratch(file, async () => {
    await list(folder, file, ['-type', 'f', '-printf', '%D:%i\\0%p\\0']);
    return readEntries(file);
  });
}

async function checksumsByInode(folder: string): Promise<Listing> {
  const sums = await readChecksums(join(folder, 'checksums')).catch(() => undefined);
  const byInode: Listing = new Map();
  if (!sums) return byInode;
  for (const [path, inode] of await inodesOf(folder)) {
    const sum = sums.get(path);
    if (sum) byInode.set(inode, sum);
  }
  return byInode;
}

/** Appends a line for each path, by sha256sum, which uses what the CPU has for it and does not keep this process. */
async function appendChecksums(folder: string, paths: readonly string[], file: string): Promise<void> {
  if (paths.length === 0) return;
  const output = createWriteStream(file, { flags: 'a', mode: 0o600 });
  await runProcess('xargs', ['-0', 'sha256sum', '-z', '--'], {
    cwd: folder,
    input: Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1'),
    stdout: output,
    // What is gone is found out by its missing line.
    allowedExitCodes: [0, 123],
    timeoutMs: 0,
  });
  output.end();
  await finished(output);
}

async function checksum(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

async function inScratch<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** A path as it can be shown. */
const shown = (path: string): string =>
  Buffer.from(path, 'latin1')
    .toString()
    .replace(/[^\x20-\u{10ffff}]/gu, '?');
