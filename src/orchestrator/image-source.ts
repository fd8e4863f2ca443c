// An image as one tar stream, from a directory or an archive on this machine, the same bytes at every reading.

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { CmigError } from '../core/errors.ts';
import { spawnProcess } from '../core/run-process.ts';

export interface ImageSource {
  form: 'dir' | 'tar';
  /** Absolute. */
  path: string;
}

/** Members sorted, owners as numbers, no time but the modification's, no process id: equal trees, equal streams. */
const packArguments = [
  '--sort=name',
  '--numeric-owner',
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--xattrs',
];

const decompressors = [
  { program: 'gzip', magic: [0x1f, 0x8b] },
  { program: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { program: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { program: 'bzip2', magic: [0x42, 0x5a, 0x68] },
];

/**
 * The chunks of the tar stream.
 * @throws CmigError `not-found` where there is no such file or folder; `invalid` where it is no tar archive;
 * `tool-failed` where it cannot be read to its end
 */
export async function* readImage(source: ImageSource): AsyncGenerator<Uint8Array> {
  const kind = await stat(source.path).catch((cause) => {
    throw new CmigError('not-found', `there is no image at ${source.path}`, {
      hint: 'correct the path, or build the image first',
      cause,
    });
  });
  if (source.form === 'dir') {
    if (!kind.isDirectory()) {
      throw new CmigError('invalid', `the image ${source.path} is not a directory`, {
        hint: `write it as tar:PATH if it is an archive`,
      });
    }
    yield* readOutput('tar', [...packArguments, '-C', source.path, '-cf', '-', '.']);
    return;
  }
  if (!kind.isFile()) {
    throw new CmigError('invalid', `the image ${source.path} is not a file`, {
      hint: 'write it as dir:PATH if it is a directory',
    });
  }
  const head = await readHead(source.path);
  const packed = decompressors.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
  const stream = packed
    ? readOutput(packed.program, ['-dc', '--', source.path])
    : createReadStream(source.path);
  yield* checkedTar(stream, source.path);
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const magicAt = 257;

/** Passes a tar stream on and refuses what is none: `ustar` stands at a fixed place of the first header. */
async function* checkedTar(stream: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let checked = false;
  const check = () => {
    if (head.toString('latin1', magicAt, magicAt + 5) === 'ustar') return;
    // One without a member is zeros alone: a layer may be empty.
    if (head.length >= magicAt + 5 && head.every((byte) => byte === 0)) return;
    throw new CmigError('invalid', `the image ${path} is no tar archive`, {
      hint: 'a tar archive is expected, plain or compressed by gzip, xz, zstd or bzip2',
    });
  };
  for await (const chunk of stream) {
    if (checked) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < magicAt + 5) continue;
    check();
    checked = true;
    yield head;
  }
  if (!checked) check();
}

/** The standard output of a program; throws where it fails, ends it where nobody reads on. */
async function* readOutput(program: string, args: readonly string[]): AsyncGenerator<Uint8Array> {
  const child = spawnProcess(program, args, { env: { LC_ALL: 'C' } });
  const complaints = collect(child.stderr!);
  let finished = false;
  try {
    for await (const chunk of child.stdout!) yield chunk as Buffer;
    finished = true;
  } finally {
    if (!finished) child.kill();
  }
  const { exitCode, signal } = await child.ended;
  if (exitCode === 0) return;
  const output = (await complaints).split('\n').filter(Boolean).slice(-8);
  throw new CmigError(
    'tool-failed',
    `${program} could not read the image: ${output[0] ?? 'it did not say why'}`,
    {
      hint: 'is every file of it readable, and does nobody change it meanwhile?',
      tool: {
        argv: [program, ...args],
        output,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(signal ? { signal } : {}),
      },
    },
  );
}

async function collect(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text = `${text}${chunk}`.slice(-8192);
  return text;
}
