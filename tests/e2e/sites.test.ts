// Hosts in networks that are only routed to each other: applications keep their addresses and connections all the same.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { stringify } from 'yaml';
import { waitFor } from '../../src/core/retry.ts';
import { addressOf, cmig, cmigJson, cmigOk, images } from './lab.ts';
import { ownLabs, settings } from './settings.ts';

jest.setTimeout(120_000);
const name = ownLabs[3];
const lab = (action: string, ...args: string[]) => cmigOk('lab', action, '--name', name, ...args);
const onHost = (host: string, ...command: string[]) => lab('exec', host, '--', ...command);
const folder = join(settings.folder, 'sites');

interface Heard {
  last: number;
  problems: string[];
}

const python = (application: string, host: string, command: string[], port: number) => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name: application },
  spec: {
    host,
    containers: [
      { name: 'main', image: 'dir:images/python', command: ['python3', ...command], ready: { tcp: port } },
    ],
  },
});

async function apply(...manifests: object[]): Promise<void> {
  const file = join(folder, 'applications.yaml');
  await writeFile(file, manifests.map((manifest) => stringify(manifest)).join('---\n'));
  await cmigOk('apply', '-f', file, '--wait', '--allow-outside');
}

/** What a listener tells of its connections. */
async function heardBy(application: string): Promise<Heard[]> {
  const ask = "import socket; print(socket.create_connection(('127.0.0.1', 7003)).makefile().read())";
  return Object.values(JSON.parse(await cmigOk('exec', application, '--', 'python3', '-c', ask)));
}

/** Waits until every connection has brought more, and nothing else than the next numbers. */
async function mustGoOn(listeners: readonly string[], count: number): Promise<void> {
  const numbers = async () => {
    const heard = (await Promise.all(listeners.map(heardBy))).flat();
    expect(heard.flatMap(({ problems }) => problems)).toEqual([]);
    expect(heard).toHaveLength(count);
    return heard.map(({ last }) => last);
  };
  const before = await numbers();
  await waitFor(async () => (await numbers()).every((last, index) => last > before[index]! + 5), {
    timeoutMs: 60_000,
    intervalMs: 300,
    what: 'further numbers on all connections',
  });
}

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await symlink(images, join(folder, 'images'));
  await lab('down');
  await lab('up', '--hosts', '3', '--sites', 'onprem,azure,aws');
  await cmigOk('config', 'use-context', `lab-${name}`);
}, 120_000);
afterAll(() => lab('down'), 60_000);

describe('a lab of three sites', () => {
  const knocks = (host: string, address: string) =>
    cmig('lab', 'exec', '--name', name, host, '--', 'busybox', 'ping', '-c', '1', '-W', '2', address);

  it('has each host in a network of its own, by which it is labelled', async () => {
    const { sites, hosts } = await cmigJson<{
      sites: { name: string; range: string }[];
      hosts: { site: string; address: string }[];
    }>('lab', 'status', '--name', name);
    expect(hosts.map(({ site }) => site)).toEqual(sites.map((site) => site.name));
    expect(new Set(sites.map(({ range }) => range)).size).toBe(3);
    expect(await cmigOk('get', 'hosts', '-l', 'site=azure', '-o', 'name')).toBe('host/host-b\n');
    // Through the router, which takes one off.
    const answer = await onHost('host-a', 'busybox', 'ping', '-c', '1', hosts[1]!.address);
    expect(answer).toContain('ttl=63');
  });

  it('cuts two sites off from each other, and from nobody else', async () => {
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const [, azure, aws] = hosts.map(({ address }) => address);
    await lab('partition', 'azure', 'aws');
    const { sites } = await cmigJson<{ sites: { partitioned?: string[] }[] }>(
      'lab',
      'status',
      '--name',
      name,
    );
    expect(sites.map(({ partitioned }) => partitioned)).toEqual([undefined, ['aws'], undefined]);
    expect((await knocks('host-b', aws!)).exitCode).toBe(1);
    expect((await knocks('host-c', azure!)).exitCode).toBe(1);
    expect((await knocks('host-a', aws!)).exitCode).toBe(0);
    await lab('heal', 'azure');
    expect((await knocks('host-b', aws!)).exitCode).toBe(0);
  });
});

describe('an application that moves between sites', () => {
  it('keeps its address, and its connections with other applications', async () => {
    const listener = await readFile(join(import.meta.dirname, 'manifests/listener.py'), 'utf8');
    await apply(python('ticker', 'host-b', ['/app/ticker.py'], 7000));
    const target = `${await addressOf('ticker')}:7000`;
    await apply(
      python('near', 'host-a', ['-c', listener, ...Array(3).fill(target)], 7003),
      python('far', 'host-c', ['-c', listener, ...Array(2).fill(target)], 7003),
    );
    await mustGoOn(['near', 'far'], 5);
    for (const host of ['host-c', 'host-a', 'host-b']) {
      await cmigOk('migrate', 'ticker', host);
      await mustGoOn(['near', 'far'], 5);
    }
    // The one that has the connections moves too.
    await cmigOk('migrate', 'far', 'host-b');
    await mustGoOn(['near', 'far'], 5);
    expect(`${await addressOf('ticker')}:7000`).toBe(target);
  });
});
