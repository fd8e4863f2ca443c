import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { AgentConfig } from '../../../../agent/config.ts';
import { HostRegistry } from '../../../../agent/peers/host-registry.ts';
import { AgentPaths } from '../../../../agent/store/paths.ts';
import type { HostRecord } from '../../../../src/contract/host.ts';

let folder: string;
const file = (name: string): string => join(folder, name);
const config = (changes: Partial<AgentConfig> = {}): AgentConfig =>
  ({
    name: 'host-a',
    address: '10.0.0.1',
    labels: { zone: 'one' },
    network: { bridge: 'cmig0', range: '10.77.0.0/17' },
    dataDirectory: folder,
    runDirectory: folder,
    ssh: {
      port: 22,
      hostKeyFile: file('host.pub'),
      identityFile: file('identity'),
      authorizedKeysFile: file('authorized_keys'),
    },
    ...changes,
  }) as AgentConfig;
const openRegistry = async (changes: Partial<AgentConfig> = {}): Promise<HostRegistry> => {
  const registry = new HostRegistry({
    config: config(changes),
    paths: new AgentPaths({ dataDirectory: folder, runDirectory: folder }),
    log: pino({ level: 'silent' }),
  });
  await registry.open();
  return registry;
};
const hostB = (changes: Partial<HostRecord> = {}): HostRecord => ({
  name: 'host-b',
  address: '10.0.0.2',
  sshPort: 2222,
  sshHostKey: 'ssh-ed25519 BBBBhost',
  transferKey: 'ssh-ed25519 BBBBtransfer',
  labels: {},
  protocolVersion: 1,
  version: 100,
  ...changes,
});
const authorizedKeys = (): Promise<string> => readFile(file('authorized_keys'), 'utf8');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-hosts-'));
  await writeFile(file('host.pub'), 'ssh-ed25519 AAAAhost root@a\n');
  await writeFile(file('identity.pub'), 'ssh-ed25519 AAAAtransfer root@a\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('HostRegistry', () => {
  it('makes its own record from the configuration and the key files', async () => {
    const { own } = await openRegistry();
    expect(own).toMatchObject({
      name: 'host-a',
      address: '10.0.0.1',
      sshPort: 22,
      sshHostKey: 'ssh-ed25519 AAAAhost',
      transferKey: 'ssh-ed25519 AAAAtransfer',
      labels: { zone: 'one' },
    });
  });

  it('keeps its address among the applications, and leaves it to a host that comes first by name', async () => {
    const network = { bridge: 'cmig0', range: '10.77.0.0/17', overlay: {} };
    const registry = await openRegistry({ network });
    const { overlay, version } = registry.own;
    expect((await openRegistry({ network })).own).toMatchObject({ overlay, version });
    await registry.hear(hostB({ overlay: overlay! }));
    expect(registry.own.overlay).toEqual(overlay);
    await registry.hear(hostB({ name: 'host-0', overlay: overlay! }));
    expect(registry.own.overlay?.address).toMatch(/^10\.77\.127\.[0-9]+$/);
    expect(registry.own.overlay).not.toEqual(overlay);
    expect(registry.own.version).toBeGreaterThan(version);
  });

  it('keeps the version of an unchanged record, and raises that of a changed one', async () => {
    const first = (await openRegistry()).own.version;
    expect((await openRegistry()).own.version).toBe(first);
    expect((await openRegistry({ address: '10.0.0.9' })).own.version).toBeGreaterThan(first);
  });

  it('pins a new host and lets its key in, to deliver only', async () => {
    const registry = await openRegistry();
    expect(await registry.hear(hostB())).toBe(true);
    expect(await registry.hear(hostB())).toBe(false);
    expect(await readFile(registry.knownHostsFile, 'utf8')).toContain(
      '[10.0.0.2]:2222 ssh-ed25519 BBBBhost\n',
    );
    const [, line] = (await authorizedKeys()).trim().split('\n');
    expect(line).toBe(
      `restrict,from="10.0.0.2",command="'${folder}/ssh/receive' '${folder}/incoming'" ssh-ed25519 BBBBtransfer cmig-host-b`,
    );
    expect((await stat(file('authorized_keys'))).mode & 0o777).toBe(0o600);
    expect((await stat(file('ssh/receive'))).mode & 0o777).toBe(0o755);
  });

  it('has SSH know a host as soon as it is said to, and where the broker vouches, by its own word', async () => {
    const knownHosts = () => readFile(file('ssh/known_hosts'), 'utf8');
    const registry = await openRegistry({ tls: {} as AgentConfig['tls'] & object });
    await registry.put(hostB());
    const trusted = registry.untilTrusted('host-b').then(knownHosts);
    expect(await knownHosts()).not.toContain('BBBBhost');
    registry.hear(hostB());
    expect(await trusted).toContain('BBBBhost');
    registry.hear(hostB({ name: 'host-c', address: '10.0.0.3', sshHostKey: 'ssh-ed25519 CCCChost' }));
    expect(registry.list().map(({ name }) => name)).toContain('host-c');
    await registry.untilTrusted();
    expect(await knownHosts()).toContain('CCCChost');
  });

  it('believes the newest record of a host', async () => {
    const registry = await openRegistry();
    await registry.hear(hostB());
    await registry.put(hostB({ version: 99, address: '10.0.0.3' }));
    expect(registry.get('host-b').address).toBe('10.0.0.2');
    await registry.put(hostB({ version: 101, transferKey: 'ssh-ed25519 CCCC' }));
    expect(await authorizedKeys()).toContain('CCCC');
    expect(await authorizedKeys()).not.toContain('BBBBtransfer');
  });

  it('knows after a restart what it knew before, and when each was last heard', async () => {
    const registry = await openRegistry();
    await registry.hear(hostB());
    const before = registry.list().find(({ name }) => name === 'host-b');
    await registry.close();
    const after = await openRegistry();
    expect(after.list().find(({ name }) => name === 'host-b')).toEqual(before);
    expect(after.list().map(({ name }) => name)).toEqual(['host-a', 'host-b']);
  });

  it('keeps on disk that it is cordoned, and tells it as news', async () => {
    const registry = await openRegistry();
    const { version } = registry.own;
    expect([await registry.cordon(true), await registry.cordon(true)]).toEqual([true, false]);
    expect(registry.own.version).toBeGreaterThan(version);
    const after = await openRegistry();
    expect(after.own).toEqual(registry.own);
    expect(after.list().find(({ name }) => name === 'host-a')).toMatchObject({ unschedulable: true });
    expect([await after.cordon(false), await after.cordon(false)]).toEqual([true, false]);
    expect((await openRegistry()).own.unschedulable).toBeUndefined();
  });

  it('outbids a newer record of its own name, of an earlier life', async () => {
    const registry = await openRegistry();
    const future = Date.now() + 1_000_000;
    await registry.put(hostB({ name: 'host-a', version: future }));
    expect(registry.own).toMatchObject({ address: '10.0.0.1', version: future + 1 });
    expect(await authorizedKeys()).not.toContain('BBBB');
  });

  it('does not overwrite keys that somebody else put there', async () => {
    await writeFile(file('authorized_keys'), 'ssh-ed25519 DDDD admin@desk\n');
    await expect(openRegistry()).rejects.toMatchObject({ code: 'invalid' });
    expect(await authorizedKeys()).toBe('ssh-ed25519 DDDD admin@desk\n');
  });

  it('names the key file that is none', async () => {
    await writeFile(file('host.pub'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
    await expect(openRegistry()).rejects.toThrow(
      `${file('host.pub')} (ssh.hostKeyFile) is not a public key of SSH`,
    );
    await rm(file('host.pub'));
    await expect(openRegistry()).rejects.toMatchObject({ code: 'invalid' });
  });

  it('says what to do about an unknown host', async () => {
    const registry = await openRegistry();
    expect(() => registry.get('host-x')).toThrow('the host host-a knows no host host-x');
  });

  it('forgets a host that was removed, lets no older record bring it back, and takes it in when it comes anew', async () => {
    const registry = await openRegistry();
    await registry.hear(hostB());
    await registry.put(hostB({ gone: true, version: 200 }));
    const isForgotten = async (known: HostRegistry): Promise<void> => {
      expect(known.find('host-b')).toBeUndefined();
      expect(known.list().map(({ name }) => name)).toEqual(['host-a']);
      expect(await authorizedKeys()).not.toContain('BBBB');
      expect(await readFile(known.knownHostsFile, 'utf8')).not.toContain('BBBB');
    };
    await isForgotten(registry);
    // From a host that was down meanwhile, and also after a start anew.
    await registry.put({ ...hostB(), lastSeen: new Date().toISOString() });
    expect(await registry.hear(hostB())).toBe(false);
    await isForgotten(registry);
    const again = await openRegistry();
    expect(await again.hear(hostB())).toBe(false);
    await isForgotten(again);
    expect(again.listAll().map(({ name, gone }) => [name, gone])).toEqual([
      ['host-a', undefined],
      ['host-b', true],
    ]);
    expect(await again.hear(hostB({ version: 300 }))).toBe(true);
    expect(again.find('host-b')).toBeDefined();
    expect(await authorizedKeys()).toContain('BBBBtransfer');
  });

  it('takes the word of nobody else against that of a host, where the broker vouches for who speaks', async () => {
    const registry = await openRegistry({ tls: { ca: '', certificate: '', key: '' } });
    const lie = hostB({ address: '192.0.2.66', version: 999 });
    await registry.put(lie);
    // Of hearsay there is a record, and no trust.
    expect(registry.find('host-b')?.address).toBe('192.0.2.66');
    expect(await readFile(file('authorized_keys'), 'utf8')).not.toContain('192.0.2.66');
    await registry.hear(hostB());
    await registry.put(lie);
    expect(registry.find('host-b')?.address).toBe('10.0.0.2');
    expect(await readFile(file('authorized_keys'), 'utf8')).toContain('from="10.0.0.2"');
    const again = await openRegistry({ tls: { ca: '', certificate: '', key: '' } });
    await again.put(lie);
    expect(again.find('host-b')?.address).toBe('10.0.0.2');
  });
});
