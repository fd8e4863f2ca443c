// Logs read and followed while they are rotated, on real files.
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mergeLogs, parseSince, readLog, rotatedFiles } from '../../../../agent/runtime/log-reader.ts';
import { rotateIfLarge } from '../../../../agent/runtime/log-rotation.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-log-'));
  file = join(folder, 'log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const time = (number: number): string =>
  new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString().slice(0, 19);
const text = (from: number, to: number): string => {
  let lines = '';
  for (let number = from; number <= to; number++)
    lines += `${time(number)}.000000000+00:00 stdout F ${number}\n`;
  return lines;
};
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const read = async (options: { tail?: number; sinceMs?: number } = {}): Promise<number[]> => {
  const found: number[] = [];
  const request = { file, signal: new AbortController().signal, isOver: () => true, ...options };
  for await (const { line } of readLog(request)) found.push(Number(line));
  return found;
};
/** As conmon does when it is told: a new file under the old name. */
const rotate = (maxFiles: number): Promise<boolean> =>
  rotateIfLarge({ file, maxBytes: 1, maxFiles, reopen: () => writeFile(file, '') });

describe('a rotated log', () => {
  it('is read from its oldest file to its newest', async () => {
    await writeFile(file, text(1, 3));
    await rotate(3);
    await appendFile(file, text(4, 5));
    await rotate(3);
    await appendFile(file, text(6, 6));
    expect(await read()).toEqual(numbers(1, 6));
    expect(await read({ tail: 2 })).toEqual([5, 6]);
    expect(await read({ tail: 0 })).toEqual([]);
    expect(await read({ sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3) })).toEqual(numbers(3, 6));
  });

  it('keeps as many files as asked for', async () => {
    for (const number of numbers(1, 5)) {
      await appendFile(file, text(number, number));
      await rotate(2);
    }
    expect((await rotatedFiles(file)).map((each) => each.slice(folder.length + 1))).toEqual([
      'log.2',
      'log.1',
      'log',
    ]);
    expect(await read()).toEqual([4, 5]);
  });

  it('is left alone while it is small', async () => {
    await writeFile(file, text(1, 1));
    expect(await rotateIfLarge({ file, maxBytes: 1000, maxFiles: 3, reopen: async () => {} })).toBe(false);
  });

  it('is none where nothing was ever written', async () => {
    expect(await read()).toEqual([]);
  });
});

describe('following', () => {
  it('misses and repeats nothing while the log is rotated under it', async () => {
    await writeFile(file, text(1, 10));
    let over = false;
    const found: number[] = [];
    const following = (async () => {
      const request = { file, follow: true, signal: new AbortController().signal, isOver: () => over };
      for await (const { line } of readLog(request)) found.push(Number(line));
    })();
    for (const round of numbers(1, 20)) {
      await appendFile(file, text(round * 10 + 1, round * 10 + 10));
      if (round % 3 === 0) await rotate(10);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    over = true;
    await following;
    expect(found).toEqual(numbers(1, 210));
  });

  it('ends when its reader has gone', async () => {
    await writeFile(file, text(1, 1));
    const gone = new AbortController();
    const lines = readLog({ file, follow: true, signal: gone.signal, isOver: () => false });
    expect((await lines.next()).value?.line).toBe('1');
    gone.abort();
    expect((await lines.next()).done).toBe(true);
  });
});

describe('several logs', () => {
  it('are merged by time', async () => {
    async function* log(...times: string[]) {
      for (const each of times) yield { time: each };
    }
    const merged: string[] = [];
    for await (const { time: each } of mergeLogs([log('1', '4'), log('2', '3', '5'), log()]))
      merged.push(each);
    expect(merged).toEqual(['1', '2', '3', '4', '5']);
  });
});

describe('since', () => {
  it('is a time or a duration before now', () => {
    expect(parseSince('2026-01-01T00:00:00Z')).toBe(Date.UTC(2026, 0, 1));
    expect(parseSince('10m', 1_000_000)).toBe(400_000);
    expect(() => parseSince('yesterday')).toThrow(/neither a time nor a duration/);
  });
});
