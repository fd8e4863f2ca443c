// Which SSH host key of a machine is accepted, and how the machine is named.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { agreeOnKey, pinKey, pinnedKey, unpinKey } from '../../../../src/orchestrator/joining/host-key.ts';
import { parseSshAddress } from '../../../../src/orchestrator/joining/ssh-address.ts';

const where = { address: '192.0.2.7', port: 2222 };
const shown = { key: 'ssh-ed25519 AAAA', fingerprint: 'SHA256:abc' };
const agree = (given?: string, pinned?: string, answer?: boolean) =>
  agreeOnKey(shown, {
    ...{ given, pinned, where, pinFile: '/pins' },
    ask: answer === undefined ? undefined : async () => answer,
  }).then(
    () => 'accepted',
    (error) => error.code,
  );

describe('a host key', () => {
  it('is accepted where it was given, was seen before, or a person agrees, and never against any of these', async () => {
    expect(await agree()).toBe('invalid');
    expect(await agree(undefined, undefined, true)).toBe('accepted');
    expect(await agree(undefined, undefined, false)).toBe('cancelled');
    expect(await agree('SHA256:abc')).toBe('accepted');
    expect(await agree('ssh-ed25519 AAAA root@there')).toBe('accepted');
    expect(await agree('SHA256:abd', undefined, true)).toBe('conflict');
    expect(await agree(undefined, shown.key)).toBe('accepted');
    expect(await agree('SHA256:abc', 'ssh-ed25519 BBBB', true)).toBe('conflict');
    expect(await agree('SHA256:abd', shown.key)).toBe('conflict');
  });

  it('is kept by address and port, and replaces no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cmig-pins-'));
    const file = join(folder, 'deeper/known_hosts');
    expect(await pinnedKey(file, where)).toBeUndefined();
    await pinKey(file, where, 'ssh-ed25519 AAAA');
    await pinKey(file, { ...where, port: 22 }, 'ssh-ed25519 BBBB');
    await pinKey(file, where, 'ssh-ed25519 CCCC');
    expect(await pinnedKey(file, where)).toBe('ssh-ed25519 CCCC');
    expect(await readFile(file, 'utf8')).toBe(
      '192.0.2.7 ssh-ed25519 BBBB\n[192.0.2.7]:2222 ssh-ed25519 CCCC\n',
    );
    await unpinKey(file, where);
    expect(await readFile(file, 'utf8')).toBe('192.0.2.7 ssh-ed25519 BBBB\n');
    await rm(folder, { recursive: true });
  });
});

describe('ssh://', () => {
  it('names a machine that root is let in to', () => {
    expect(parseSshAddress('ssh://root@192.0.2.7')).toEqual({ address: '192.0.2.7', port: 22 });
    expect(parseSshAddress('ssh://host.example.org:2222/')).toEqual({
      address: 'host.example.org',
      port: 2222,
    });
    expect(parseSshAddress('ssh://root@[2001:db8::7]:22')).toEqual({ address: '2001:db8::7', port: 22 });
    for (const wrong of [
      '192.0.2.7',
      'ssh://',
      'ssh://me@192.0.2.7',
      'ssh://root@a:99999',
      'ssh://root@-oX=y',
      'ssh://root@a b',
    ])
      expect(() => parseSshAddress(wrong)).toThrow();
  });
});
