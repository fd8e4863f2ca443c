// Runs another command of cmig as a process of its own, which goes on when this one ends.
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '../contract/fault.ts';
import { CmigError, fromFault } from '../core/errors.ts';
import { spawnProcess } from '../core/run-process.ts';

/**
 * Settles with the document that the command printed, whatever its exit code: JSON must be what it prints.
 * @param words what follows `cmig`
 * @throws CmigError that the command printed, or `failed` where it ended without a word
 */
export async function runDetached(words: readonly string[]): Promise<unknown> {
  // Files without a name: no pipe that breaks when this process ends, and nothing that stays.
  const folder = await mkdtemp(join(tmpdir(), 'cmig-'));
  const output = openUnnamed(join(folder, 'output'));
  const errors = openUnnamed(join(folder, 'errors'));
  rmSync(folder, { recursive: true });
  try {
    const child = spawnProcess(process.execPath, [process.argv[1]!, ...words, '-o', 'json'], {
      detached: true,
      stdio: ['ignore', output.writing, errors.writing],
    });
    const { exitCode, signal } = await child.ended;
    const printed = parse(output.read());
    if (printed !== undefined) return printed;
    const failure = parse(errors.read()) as { error?: Fault } | undefined;
    if (failure?.error) throw fromFault(failure.error);
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
    throw new CmigError('failed', `cmig ${words.join(' ')} ${how}`);
  } finally {
    output.close();
    errors.close();
  }
}

function openUnnamed(path: string) {
  const writing = openSync(path, 'wx', 0o600);
  // Opened a second time, so that reading begins at the beginning.
  const reading = openSync(path, 'r');
  rmSync(path);
  return {
    writing,
    read: () => readFileSync(reading, 'utf8'),
    close() {
      closeSync(writing);
      closeSync(reading);
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
