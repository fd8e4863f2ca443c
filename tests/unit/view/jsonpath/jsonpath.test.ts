import { describe, expect, it } from '@jest/globals';
import { CmigError } from '../../../../src/core/errors.ts';
import { parseCustomColumns } from '../../../../src/view/jsonpath/custom-columns.ts';
import { compileSorting } from '../../../../src/view/jsonpath/sorting.ts';
import { compileTemplate } from '../../../../src/view/jsonpath/template.ts';
import { renderTable } from '../../../../src/view/table.ts';

const shop = {
  kind: 'Application',
  metadata: { name: 'shop', labels: { 'cmig.dev/zone': 'west', 'my-tier': 'web' } },
  spec: { containers: [{ name: 'db', ports: [6379] }, { name: 'web' }] },
  status: { host: 'host-b', epoch: 10 },
};
const cart = {
  kind: 'Application',
  metadata: { name: 'cart' },
  spec: { containers: [] },
  status: { host: 'host-a', epoch: 9 },
};
const list = { kind: 'List', items: [shop, cart] };

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CmigError && error.code === 'invalid') return error.message;
    throw error;
  }
  throw new Error('not refused');
}

describe('a template', () => {
  it.each([
    // as kubectl's documentation writes them
    ['{.metadata.name}', 'shop'],
    ['{$.metadata.name}', 'shop'],
    ["{['metadata']['name']}", 'shop'],
    ['{.metadata.labels.cmig\\.dev/zone} {.metadata.labels.my-tier}', 'west web'],
    ['{..name}', 'shop db web'],
    ['{.spec.containers[-1:].name}', 'web'],
    ['{.spec.containers[0,1].name}', 'db web'],
    ['{.spec.containers[?(@.name=="db")].ports[0]}', '6379'],
    ['{.spec.containers[?(@.ports)].name}', 'db'],
    [
      '{range .spec.containers[*]}[{.name} of {$.metadata.name}, {.ports}]{"\\n"}{end}',
      '[db of shop, [6379]]\n[web of shop, ]\n',
    ],
    ["{range .spec.containers[*]}{@.name}{'\\t'}{end}", 'db\tweb\t'],
    ['name={.metadata.name}{"}"}', 'name=shop}'],
    ['{.status}', '{"host":"host-b","epoch":10}'],
    // forgiven
    ['.metadata.name', 'shop'],
    ['{metadata.name}', 'shop'],
    // what is not there is nothing
    ['<{.status.nonsense.at.all}>', '<>'],
    ['', ''],
  ])('%s', (template, text) => {
    expect(compileTemplate(template)(shop)).toBe(text);
  });

  it('goes through a list', () => {
    const template = '{range .items[*]}{.metadata.name}{"\\t"}{.status.epoch}{"\\n"}{end}';
    expect(compileTemplate(template)(list)).toBe('shop\t10\ncart\t9\n');
    expect(compileTemplate('{.items[?(@.status.host=="host-a")].metadata.name}')(list)).toBe('cart');
  });

  it.each([
    ['{.items[*.metadata}', /^-o jsonpath: .*, at character 10 of /],
    ['{.metadata.labels.a\\.b[}', /at character 24 of /],
    ['name: {.metadata', /"\{" is not closed, at character 7 of /],
    ['{range .items[*]}{.metadata.name}', /\{range\} has no \{end\}, at character 1 of /],
    ['{.a}{end}', /\{end\} has no \{range\} before it, at character 5 of /],
    ['{}', /nothing in the braces, at character 1 of /],
    ['{.items[?(@.x==)]}', /at character 16 of /],
  ])('that is not understood says where: %s', (template, message) => {
    expect(refusalOf(() => compileTemplate(template))).toMatch(message);
  });
});

describe('columns of one’s own', () => {
  it('have headings and paths', () => {
    const columns = parseCustomColumns(
      'NAME:.metadata.name,CONTAINERS:{.spec.containers[0,1].name},X:.status.x',
    );
    expect(renderTable(columns, list.items)).toBe(
      'NAME   CONTAINERS   X\nshop   db,web       <none>\ncart   <none>       <none>\n',
    );
  });

  it.each([
    ['NAME', /a column is HEADING:PATH, at character 1 of "NAME"/],
    ['A:.a,B:', /a column is HEADING:PATH, at character 6 of /],
    ['A:.a,B:.b[', /at character 11 of /],
  ])('that are not understood say where: %s', (text, message) => {
    expect(refusalOf(() => parseCustomColumns(text))).toMatch(message);
  });
});

describe('sorting', () => {
  it.each(['.status.epoch', '{.status.epoch}', 'status.epoch', '.status.host'])('by %s', (path) => {
    expect(compileSorting(path)(list.items)).toEqual([cart, shop]);
  });

  it('by a text knows numbers in it, and begins with what has none', () => {
    const items = [{ name: 'host-10' }, { name: 'host-2' }, {}];
    expect(compileSorting('.name')(items)).toEqual([{}, { name: 'host-2' }, { name: 'host-10' }]);
  });

  it('by what nothing has is a mistake', () => {
    expect(refusalOf(() => compileSorting('.metadata.nmae')(list.items))).toContain('".metadata.nmae"');
    expect(compileSorting('.metadata.nmae')([])).toEqual([]);
    expect(refusalOf(() => compileSorting('.a[')(list.items))).toMatch(
      /^--sort-by: .*at character 4 of "\.a\["$/,
    );
  });
});
