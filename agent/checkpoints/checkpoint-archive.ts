// A checkpoint as one file, to keep or carry elsewhere: a tar archive with its seal in it, compressed by zstd.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import { fits } from '../../src/broker/schema-check.ts';
import { ApplicationManifest } from '../../src/contract/application.ts';
import { addressPattern, namePattern } from '../../src/contract/protocol.ts';
import { CmigError } from '../../src/core/errors.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';
import { readJsonFile } from '../store/durable-file.ts';
import { applicationOf, type CheckpointRecord } from './checkpoint-record.ts';

/** Owners by number, times to the nanosecond, everything that a file has beside. */
const common = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls'];
const frameBytes = 48 * 1024;

/** Sends the archive of a checkpoint's folder. @throws CmigError `tool-failed` with what tar says */
export async function sendArchive(folder: string, stream: ServerStream): Promise<void> {
  const tar = spawnProcess('tar', ['-c', '-f', '-', '-C', folder, '--sparse', ...common, '.'], {
    env: { LC_ALL: 'C' },
  });
  const told = listen(tar);
  stream.closed.addEventListener('abort', () => tar.kill('SIGKILL'), { once: true });
  await pipeline(tar.stdout!, createZstdCompress(), async (compressed: AsyncIterable<Buffer>) => {
    for await (const chunk of compressed)
      for (let start = 0; start < chunk.length && !stream.closed.aborted; start += frameBytes) {
        const data = chunk.subarray(start, start + frameBytes).toString('base64');
        await stream.send({ type: 'output', stream: 'stdout', data });
      }
  });
  await mustHaveSucceeded(tar, told);
}

/**
 * Unpacks an archive below `parent`. tar itself strips leading slashes, refuses `..` and does not follow links that it has
 * just made. @throws CmigError `invalid` where it is no archive of a checkpoint
 */
export async function receiveArchive(
  parent: string,
  input: AsyncIterable<Uint8Array>,
): Promise<{ folder: string; record: CheckpointRecord }> {
  const folder = join(parent, `import-${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const tar = spawnProcess(
      'tar',
      ['-x', '-f', '-', '-C', folder, '-p', '--same-owner', '--delay-directory-restore', ...common],
      { stdio: ['pipe', 'ignore', 'pipe'], env: { LC_ALL: 'C' } },
    );
    const told = listen(tar);
    const feed = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) await give(tar, chunk);
    };
    await pipeline(Readable.from(input), createZstdDecompress(), feed).catch((cause) => {
      tar.kill('SIGKILL');
      throw new CmigError('invalid', 'the file is no whole archive of a checkpoint', {
        hint: 'it is made by: cmig checkpoint export',
        cause,
      });
    });
    tar.stdin!.end();
    await mustHaveSucceeded(tar, told);
    const record = await readJsonFile<CheckpointRecord>(join(folder, 'checkpoint.json')).catch(
      () => undefined,
    );
    if (!record || !isSound(record))
      throw new CmigError('invalid', 'the file is no archive of a checkpoint that this version understands');
    return { folder, record };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What becomes a path, an argument or a rule is what it must be; everything else is in the seal's hands. */
function isSound(record: CheckpointRecord): boolean {
  const { application, id } = record;
  return (
    new RegExp(namePattern).test(id) &&
    fits(ApplicationManifest, application?.manifest) &&
    new RegExp(namePattern).test(applicationOf(record)) &&
    new RegExp(addressPattern).test(application.address) &&
    /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(application.mac) &&
    Number.isSafeInteger(application.epoch) &&
    Object.values(application.images).every((digest) => /^sha256:[0-9a-f]{64}$/.test(digest)) &&
    !Number.isNaN(Date.parse(record.createdAt))
  );
}

/** A tar that stops reading behind the end of the archive has not failed: its exit code tells. */
async function give({ stdin, ended }: BackgroundProcess, chunk: Buffer): Promise<void> {
  if (!stdin?.writable || stdin.write(chunk)) return;
  await Promise.race([once(stdin, 'drain').catch(() => {}), ended]);
}

interface Told {
  text: string;
}

function listen(tar: BackgroundProcess): Told {
  const told = { text: '' };
  tar.stdin?.on('error', () => {});
  tar.stderr?.on('data', (chunk) => {
    told.text = (told.text + String(chunk)).slice(-2000);
  });
  return told;
}

async function mustHaveSucceeded(tar: BackgroundProcess, told: Told): Promise<void> {
  const { exitCode, signal } = await tar.ended;
  if (exitCode === 0) return;
  const output = told.text.split('\n').filter(Boolean);
  throw new CmigError('tool-failed', `tar failed: ${output[0] ?? signal ?? exitCode}`, {
    hint: /No space left/.test(told.text) ? 'there is no room left on the disk of the host' : undefined,
    tool: { argv: ['tar'], ...(exitCode === undefined ? {} : { exitCode }), output },
  });
}
