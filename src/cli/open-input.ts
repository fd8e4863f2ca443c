// Opens what a command reads its bytes from, in a way in which it can be left at any time.
import { closeSync, constants, createReadStream, existsSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CmigError } from '../core/errors.ts';

/**
 * A file, a pipe by its name, or standard input for `-`. Even the end of the process would wait for a read that brings
 * nothing if it were a file's; so a pipe is read as a socket is.
 * @throws CmigError `not-found`, `invalid`
 */
export function openInput(file: string, stdin: Readable & { isTTY?: boolean }): Readable {
  if (file === '-') {
    if (!stdin.isTTY) return stdin;
    throw new CmigError('invalid', 'standard input is a terminal', {
      hint: 'send what is to be read into it, or name a file',
    });
  }
  let fd: number;
  try {
    // Nor is it waited for somebody to open the other end of a pipe.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (!existsSync(file)) throw new CmigError('not-found', `there is no file ${file}`);
    throw new CmigError('not-found', `${file} cannot be read`, { cause });
  }
  const kind = fstatSync(fd);
  if (kind.isDirectory()) {
    closeSync(fd);
    throw new CmigError('invalid', `${file} is a folder, not a file`);
  }
  return kind.isFIFO() || kind.isSocket()
    ? new Socket({ fd, readable: true, writable: false })
    : createReadStream(file, { fd });
}
