// No change to a file is missed, not even those that rsync cannot see by time and size.
import { appendFile, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { authorizedKeysText, knownHostsText } from '../../../../agent/peers/key-files.ts';
import { FileSync } from '../../../../agent/transfer/file-sync.ts';
import { PeerTransfer } from '../../../../agent/transfer/peer-transfer.ts';
import { installReceiveGuard } from '../../../../agent/transfer/receive-guard.ts';
import { type SshHost, startSshHost } from './ssh-host.ts';

jest.setTimeout(180_000);

let host: SshHost;
let transfer: PeerTransfer;
let folder: string;
let mapped: string[];
const log = 'containers/db/upper/log';
const store = 'volumes/data/store';
const here = (path: string): string => join(folder, path);
const there = (path: string): Promise<string | undefined> =>
  readFile(join(host.incoming, 'm-12345678', path), 'utf8').catch(() => undefined);
const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(here(path)), { recursive: true });
  await writeFile(here(path), text);
};
/** What a write through a shared mapping, or within the same step of the clock, does: time and size stay. */
const putUnseen = async (path: string, text: string): Promise<void> => {
  const { atime, mtime } = await stat(here(path));
  await writeFile(here(path), text);
  await utimes(here(path), atime, mtime);
};
/** A time that the file system can hold exactly, so that it can be put back. */
const setTime = (path: string, ms: number): Promise<void> =>
  utimes(here(path), ms / 1000, Math.floor(ms) / 1000);
/** Ahead: from here to the pass a busy machine may take longer than a step of the clock. */
const withinTheStep = (): number => Date.now() + 600_000;
const makeSync = (): FileSync =>
  new FileSync(transfer, host.record, {
    folder,
    destination: 'm-12345678',
    listFile: join(host.folder, 'list'),
    mappedFiles: async () => mapped,
  });

beforeAll(async () => {
  host = await startSshHost('host-b');
  folder = join(host.folder, 'application');
  const knownHostsFile = join(host.folder, 'known_hosts');
  await writeFile(knownHostsFile, knownHostsText([host.record]));
  const guard = await installReceiveGuard(join(host.folder, 'ssh'));
  await writeFile(host.authorizedKeysFile, authorizedKeysText([host.record], guard, host.incoming));
  transfer = new PeerTransfer({
    identityFile: host.identityFile,
    knownHostsFile,
    runDirectory: host.folder,
  });
  await transfer.connect(host.record);
});
afterAll(async () => {
  await transfer.disconnect(host.record);
  await host.stop();
});
beforeEach(async () => {
  mapped = [];
  await rm(folder, { recursive: true, force: true });
  await rm(host.incoming, { recursive: true, force: true });
  await mkdir(join(host.incoming, 'm-12345678'), { recursive: true });
  await put(log, 'one');
  await put(store, 'before');
  await put('containers/db/bundle/rootfs/mounted', 'not sent');
  await put('containers/db/work/work', 'not sent');
});

describe('FileSync', () => {
  it('sends upper layers and volumes, and what changed since', async () => {
    const sync = makeSync();
    await sync.pass();
    await sync.settle();
    expect([await there(log), await there(store)]).toEqual(['one', 'before']);
    expect(await there('containers/db/bundle/rootfs/mounted')).toBeUndefined();
    expect(await there('containers/db/work/work')).toBeUndefined();
    await appendFile(here(log), ' two');
    await rm(here(store));
    await sync.finish();
    expect([await there(log), await there(store)]).toEqual(['one two', undefined]);
  });

  it('sends a file again that was written twice within one step of the clock', async () => {
    const sync = makeSync();
    await setTime(store, withinTheStep());
    await sync.pass();
    await putUnseen(store, 'after!');
    await sync.finish();
    expect(await there(store)).toBe('after!');
  });

  it('has cleared that up before the pause, where the clock moved on', async () => {
    const sync = makeSync();
    await setTime(store, withinTheStep());
    await sync.pass();
    await putUnseen(store, 'after!');
    await sync.settle();
    expect(await there(store)).toBe('after!');
  });

  it('sends a file again that was mapped shared at any pass', async () => {
    const sync = makeSync();
    await setTime(store, Date.now() - 3_600_000);
    mapped = [store];
    await sync.pass();
    mapped = [];
    await putUnseen(store, 'after!');
    await sync.settle();
    await sync.finish();
    expect(await there(store)).toBe('after!');
  });

  it('follows no link out of a container', async () => {
    const sync = makeSync();
    await put('containers/db/upper/lib/secret', 'own');
    await mkdir(join(host.folder, 'etc'), { recursive: true });
    await writeFile(join(host.folder, 'etc/secret'), "the host's");
    await setTime('containers/db/upper/lib/secret', withinTheStep());
    await sync.pass();
    await rename(here('containers/db/upper/lib'), here('containers/db/upper/moved'));
    await symlink(join(host.folder, 'etc'), here('containers/db/upper/lib'));
    await sync.settle();
    expect(await there('containers/db/upper/lib/secret')).toBe('own');
    await sync.finish();
    expect(await there('containers/db/upper/moved/secret')).toBe('own');
  });

  it('passes over what is gone, and takes odd names', async () => {
    const sync = makeSync();
    const odd = 'volumes/data/odd \n name';
    await put(odd, 'odd');
    await setTime(odd, withinTheStep());
    mapped = [store, 'volumes/data/never'];
    await sync.pass();
    await putUnseen(odd, 'odD');
    await rm(here(store));
    await sync.settle();
    await sync.finish();
    expect([await there(odd), await there(store)]).toEqual(['odD', undefined]);
  });
});
