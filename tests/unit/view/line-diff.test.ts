// Our unified difference is one that git understands.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../src/core/run-process.ts';
import { diffLines } from '../../../src/view/line-diff.ts';

const numbered = (count: number, change: (line: number) => string[] = (line) => [`line ${line}`]) =>
  `${Array.from({ length: count }, (_, line) => change(line))
    .flat()
    .join('\n')}\n`;

async function patched(before: string, diff: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cmig-diff-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, before);
    await runProcess('git', ['apply', '-'], { input: diff, cwd: folder });
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const names = { before: 'a/file', after: 'b/file' };

describe('diffLines', () => {
  it('says nothing of equal texts', () => {
    expect(diffLines(numbered(5), numbered(5), names)).toBe('');
  });

  it('shows three lines around a change, and nothing far from it', () => {
    const after = numbered(20, (line) => [line === 10 ? 'changed' : `line ${line}`]);
    expect(diffLines(numbered(20), after, names).split('\n')).toEqual([
      '--- a/file',
      '+++ b/file',
      '@@ -8,7 +8,7 @@',
      ' line 7',
      ' line 8',
      ' line 9',
      '-line 10',
      '+changed',
      ' line 11',
      ' line 12',
      ' line 13',
      '',
    ]);
  });

  it('makes one text from the other, by git', async () => {
    const before = numbered(60);
    const after = numbered(60, (line) => {
      if (line === 2) return [];
      if (line === 30) return ['line 30', 'added', 'added too'];
      return [line > 57 ? `other ${line}` : `line ${line}`];
    });
    expect(await patched(before, diffLines(before, after, names))).toBe(after);
    expect(await patched(before, diffLines(before, 'one line\n', names))).toBe('one line\n');
  });
});
