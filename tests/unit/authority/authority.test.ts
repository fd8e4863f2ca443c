import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Authority, writeCredentials } from '../../../src/authority/authority.ts';
import type { Identity } from '../../../src/contract/identity.ts';

let folder: string;
let authority: Authority;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-authority-test-'));
  authority = await Authority.create(join(folder, 'authority'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the authority', () => {
  it('signs who somebody is, and tells who connects from who is connected to', async () => {
    const ca = new X509Certificate(authority.certificate);
    const host = await authority.issue({ role: 'host', name: 'host-a' });
    const broker = await authority.issue(
      { role: 'broker', name: 'mq' },
      { addresses: ['10.0.0.5', 'mq.test'] },
    );
    const [ofHost, ofBroker] = [host, broker].map(({ certificate }) => new X509Certificate(certificate));
    for (const each of [ofHost!, ofBroker!]) {
      expect(each.checkIssued(ca) && each.verify(ca.publicKey)).toBe(true);
      expect([each.ca, each.checkIP('10.0.0.6')]).toEqual([false, undefined]);
    }
    expect([ofHost!.subject, ofBroker!.subject]).toEqual(['CN=host.host-a', 'CN=broker.mq']);
    // clientAuth and serverAuth (RFC 5280): a host's certificate must not pass for the broker's.
    expect([ofHost!.keyUsage, ofBroker!.keyUsage]).toEqual([['1.3.6.1.5.5.7.3.2'], ['1.3.6.1.5.5.7.3.1']]);
    expect([ofBroker!.checkIP('10.0.0.5'), ofBroker!.checkHost('mq.test')]).toEqual(['10.0.0.5', 'mq.test']);
    expect(ofHost!.toLegacyObject().pubkey).not.toEqual(ofBroker!.toLegacyObject().pubkey);
  });

  it('keeps every key from everybody else, and no key but its own', async () => {
    const credentials = await authority.issue({ role: 'viewer', name: 'ann' });
    const out = join(folder, 'out');
    const files = await writeCredentials(credentials, out, 'viewer.ann');
    for (const file of [files.key, join(authority.directory, 'ca.key')])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(authority.directory)).mode & 0o777).toBe(0o700);
    expect((await readdir(authority.directory)).filter((name) => name.endsWith('.key'))).toEqual(['ca.key']);
    expect((await readdir(join(authority.directory, 'issued'))).filter((name) => /key/.test(name))).toEqual(
      [],
    );
  });

  it('knows whom it has signed, and forgets', async () => {
    const reopened = await Authority.open(authority.directory);
    await reopened.issue({ role: 'admin', name: 'eve' });
    expect(await reopened.identities()).toContainEqual({ role: 'admin', name: 'eve' });
    expect(await reopened.forget({ role: 'admin', name: 'eve' })).toBe(true);
    expect(await reopened.identities()).not.toContainEqual({ role: 'admin', name: 'eve' });
  });

  it('issues nothing to a name that was revoked, before its old certificate has expired', async () => {
    const [mallory, past] = [{ role: 'operator', name: 'mallory' } as const, new Date(Date.now() - 60_000)];
    await authority.issue(mallory);
    expect(await authority.revoke(mallory)).toBe(true);
    expect(await authority.revoke(mallory)).toBe(false);
    expect([await authority.identities(), await authority.revoked()]).toEqual([
      expect.not.arrayContaining([mallory]),
      [mallory],
    ]);
    await expect(authority.issue(mallory)).rejects.toMatchObject({ code: 'conflict' });
    const old: Identity = { role: 'viewer', name: 'old' };
    await authority.issue(old, { notBefore: new Date(0), notAfter: past });
    await authority.revoke(old);
    await authority.issue(old);
    expect(await authority.revoked()).toEqual([mallory]);
  });

  it('signs one name several times at once', async () => {
    const eve = { role: 'admin', name: 'eve' } as const;
    const all = await Promise.all([1, 2, 3].map(() => authority.issue(eve)));
    expect(new Set(all.map(({ key }) => key)).size).toBe(3);
  });

  it('is made once, and signs no name that is none', async () => {
    await expect(Authority.create(authority.directory)).rejects.toMatchObject({ code: 'conflict' });
    await expect(Authority.open(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'not-found' });
    for (const name of ['', 'a/b', 'a\nb', 'UPPER', 'a.b', 'x'.repeat(60), 'a/CN=admin.eve'])
      await expect(authority.issue({ role: 'host', name })).rejects.toMatchObject({ code: 'invalid' });
  });
});
