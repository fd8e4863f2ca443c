// Tables stay tables whatever is in them.
import { describe, expect, it } from '@jest/globals';
import { layOutTable } from '../../../src/view/table.ts';

const columns = [
  { header: 'NAME', value: ([name]: string[]) => name! },
  { header: 'STATUS', value: ([, status]: string[]) => status! },
];

describe('layOutTable', () => {
  it('aligns columns three apart and leaves no blanks at the ends', () => {
    const { lines } = layOutTable(columns, [
      ['shop', 'Running'],
      ['a-long-name', ''],
    ]);
    expect(lines).toEqual(['NAME          STATUS', 'shop          Running', 'a-long-name   <none>']);
  });

  it('shows control characters instead of obeying them', () => {
    const { lines } = layOutTable(columns, [['x', 'a\nb\u001b[2J']], { headers: false });
    expect(lines).toEqual(['x   a\\x0ab\\x1b[2J']);
  });

  it('keeps the widths of an earlier part', () => {
    const { widths } = layOutTable(columns, [['long-enough', 'Running']]);
    const { lines } = layOutTable(columns, [['x', 'y']], { headers: false, minWidths: widths });
    expect(lines).toEqual(['x             y']);
  });
});
