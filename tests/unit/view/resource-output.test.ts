// What `get -o` prints.
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { renderResources } from '../../../src/view/resource-output.ts';
import { application, host } from '../orchestrator/inventories.ts';

const apps = { plural: 'applications' as const, items: [application('shop')] };
const hosts = { plural: 'hosts' as const, items: [host('host-a'), host('host-b')] };

describe('renderResources', () => {
  it('is one document: the bare resource where one was asked for, a List otherwise', async () => {
    expect(JSON.parse(await renderResources([apps], { format: 'json', single: true }))).toEqual(
      apps.items[0],
    );
    expect(parse(await renderResources([apps, hosts], { format: 'yaml' }))).toEqual({
      apiVersion: 'cmig.dev/v1',
      kind: 'List',
      items: [...apps.items, ...hosts.items],
    });
    expect(JSON.parse(await renderResources([{ ...apps, items: [] }], { format: 'json' })).items).toEqual([]);
  });

  it('tells kinds apart where there are several', async () => {
    expect(await renderResources([apps, hosts], { format: 'name' })).toBe(
      'application/shop\nhost/host-a\nhost/host-b\n',
    );
    const lines = (await renderResources([apps, hosts], { format: 'table', headers: false })).split('\n');
    expect(lines.map((line) => line.split(/\s/)[0])).toEqual([
      'application/shop',
      '',
      'host/host-a',
      'host/host-b',
      '',
    ]);
  });
});
