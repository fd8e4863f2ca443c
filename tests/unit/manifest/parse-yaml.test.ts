// Text that is no YAML, or YAML that means harm.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sound, Workspace } from './workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
});
afterAll(() => workspace.remove());

describe('YAML', () => {
  it.each([
    ['a tab', 'a: 1\n\tb: 2\n', ['2:1: a tab is used for indentation (YAML is indented by spaces only)']],
    ['a quote left open', 'a: "x\nb: 1\n', ['1:4: is not valid YAML: a quote is opened here and not closed']],
    ['a bracket left open', 'a: [1,\nb: 2\n', ['2:1: is not valid YAML: a [ above is not closed']],
    [
      'a tag',
      'a: !shell rm\n',
      ['1:4: the tag !shell has no meaning in a manifest (put text that begins with ! in quotes)'],
    ],
    [
      'an alias of nothing',
      'kind: *x\n',
      ['1:7: there is no anchor &x before this alias (put text that begins with * in quotes)'],
    ],
    ['an alias of itself', 'spec: &a [*a]\n', ['1:11: the alias *a stands inside of what it refers to']],
    [
      'a key that is a mapping',
      '{a: b}: c\nkind: x\n',
      ['1:1: a key must be plain text (is a ":" or a "{" at the wrong place?)'],
    ],
    ['__proto__', '__proto__: {kind: x}\nkind: x\n', ['1:1: the key "__proto__" is not allowed']],
    [
      'prose',
      'Dear computer, please start my shop.\n',
      ['1:1: the manifest must be a mapping, but is the string "Dear computer, please start my shop."'],
    ],
    ['nothing but a comment', '# later\n', ['holds no manifest (it begins with apiVersion and kind)']],
  ])('%s', async (_what, text, expected) => {
    const found = await workspace.problemsOf(text);
    expect(
      found.filter((problem) => !/must be Application|missing key|apiVersion must/.test(problem)),
    ).toEqual(expected);
  });

  it('goes on with the next document after one that is broken', async () => {
    const found = await workspace.problemsOf(`a: "x\n---\n${sound.replace(' host-a', '')}`);
    expect(found).toHaveLength(2);
    expect(found[1]).toMatch(/^8:8: spec.host must be a string/);
  });

  it('refuses aliases that multiply, at once', async () => {
    const rows = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 30; i++)
      rows.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(await workspace.problemsOf(rows.join('\n'))).toEqual([
      expect.stringMatching(/has more than 100000 values \(are its aliases/),
    ]);
  });

  it('refuses nesting without end, long lists, and many keys, within the limit of size', async () => {
    expect(await workspace.problemsOf('['.repeat(100_000))).toEqual([expect.stringContaining('nested')]);
    expect(await workspace.problemsOf('{a: '.repeat(70) + '}'.repeat(70))).toEqual([
      expect.stringContaining('nested'),
    ]);
    expect(await workspace.problemsOf(`kind: [${'a,'.repeat(101_000)}]`)).toEqual([
      expect.stringContaining('has more than 100000 values'),
    ]);
  });

  it('lets no NUL character into a string', async () => {
    expect(await workspace.problemsAfter('[serve]', '["serve\\0x"]')).toEqual([
      '10:17: text may not hold a NUL character',
    ]);
  });
});
