// Files go to a peer over a real sshd and arrive with all that a container's file system may hold.
import {
  appendFile,
  mkdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { authorizedKeysText, knownHostsText } from '../../../../agent/peers/key-files.ts';
import { PeerTransfer, type TransferProgress } from '../../../../agent/transfer/peer-transfer.ts';
import { installReceiveGuard } from '../../../../agent/transfer/receive-guard.ts';
import { waitFor } from '../../../../src/core/retry.ts';
import { runProcess } from '../../../../src/core/run-process.ts';
import { type SshHost, startSshHost } from './ssh-host.ts';

jest.setTimeout(180_000);

let host: SshHost;
let transfer: PeerTransfer;
let source: string;
const arrived = (path: string): string => join(host.incoming, 'm-12345678', path);
const knownHostsFile = (): string => join(host.folder, 'known_hosts');
const run = (program: string, ...args: string[]) => runProcess(program, args);
const letIn = async (): Promise<void> => {
  const guard = await installReceiveGuard(join(host.folder, 'ssh'));
  await writeFile(host.authorizedKeysFile, authorizedKeysText([host.record], guard, host.incoming));
};
/** Everything below a folder as tar sees it: types, modes, owners, sizes, times to the nanosecond, links, xattrs. */
async function listingOf(folder: string, ...options: string[]): Promise<string> {
  const archive = join(host.folder, 'archive.tar');
  const xattrs = ['--xattrs', '--xattrs-include=*', ...options];
  await run('tar', '--sort=name', '--format=pax', '-S', ...xattrs, '-C', folder, '-cf', archive, '.');
  const { stdout } = await run('tar', '-tvv', '--full-time', '--xattrs', '--xattrs-include=*', '-f', archive);
  // The order of xattrs is the file system's.
  return stdout.replace(
    /(?:^ {2}x: .*\n)+/gm,
    (lines) => `${lines.trimEnd().split('\n').sort().join('\n')}\n`,
  );
}
/** An upper layer that overlayfs itself has made: a whiteout, an opaque folder, a file copied up. */
async function makeUpperLayer(upper: string): Promise<void> {
  const [lower, work, merged] = ['lower', 'work', 'merged'].map((name) => join(host.folder, name));
  for (const folder of [lower!, work!, merged!, upper]) await mkdir(folder, { recursive: true });
  await mkdir(join(lower!, 'opaque'), { recursive: true });
  await writeFile(join(lower!, 'opaque/hidden'), 'x');
  await writeFile(join(lower!, 'whiteout'), 'x');
  await writeFile(join(lower!, 'copied-up'), 'before');
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await run('mount', '-t', 'overlay', 'overlay', '-o', layers, merged!);
  try {
    await rm(join(merged!, 'whiteout'));
    await rm(join(merged!, 'opaque'), { recursive: true });
    await mkdir(join(merged!, 'opaque'));
    await appendFile(join(merged!, 'copied-up'), ' and after');
  } finally {
    await run('umount', merged!);
  }
}
/** Gives a file an extended attribute, by tar, which everybody has. */
async function setXattr(folder: string, name: string, xattr: string, value: string): Promise<void> {
  const archive = join(host.folder, 'xattr.tar');
  const option = `--pax-option=SCHILY.xattr.${xattr}:=${value}`;
  await run('tar', '--format=pax', option, '--no-recursion', '-C', folder, '-cf', archive, name);
  await run('tar', '--xattrs', '--xattrs-include=*', '-C', folder, '-xpf', archive);
}

beforeAll(async () => {
  host = await startSshHost('host-b');
  source = join(host.folder, 'source');
  transfer = new PeerTransfer({
    identityFile: host.identityFile,
    knownHostsFile: knownHostsFile(),
    runDirectory: host.folder,
  });
  await writeFile(knownHostsFile(), knownHostsText([host.record]));
});
afterAll(async () => {
  await transfer.disconnect(host.record);
  await host.stop();
});
beforeEach(async () => {
  await letIn();
  await rm(source, { recursive: true, force: true });
  await mkdir(source);
  await rm(host.incoming, { recursive: true, force: true });
  await mkdir(join(host.incoming, 'm-12345678'), { recursive: true });
});

describe('PeerTransfer', () => {
  it('opens one connection for several senders', async () => {
    await Promise.all([transfer.connect(host.record), transfer.connect(host.record)]);
    expect(await transfer.isConnected(host.record)).toBe(true);
    await transfer.disconnect(host.record);
    expect(await transfer.isConnected(host.record)).toBe(false);
  });

  it('delivers an upper layer with everything that overlayfs and a container may put there', async () => {
    const upper = join(source, 'containers/db/upper');
    await makeUpperLayer(upper);
    await writeFile(join(upper, 'owned'), 'x', { mode: 0o640 });
    await run('chown', '1000:2000', join(upper, 'owned'));
    await run('chmod', 'u+s', join(upper, 'owned'));
    await setXattr(upper, 'owned', 'user.note', 'kept');
    await run('ln', join(upper, 'owned'), join(upper, 'opaque/same'));
    await symlink('/etc/passwd', join(upper, 'absolute-link'));
    await run('mkfifo', join(upper, 'fifo'));
    await writeFile(join(upper, 'sparse'), '');
    await truncate(join(upper, 'sparse'), 1 << 26);
    await writeFile(join(upper, `odd name with 'quotes' and \\ and ünï\n`), 'x');
    await utimes(join(upper, 'opaque'), 1_000_000_000, 1_000_000_000.123456);
    await mkdir(join(source, 'volumes/data'), { recursive: true });
    await writeFile(join(source, 'volumes/data/file'), 'volume');

    const { bytes } = await transfer.send(host.record, {
      sources: [`${source}/./containers/db/upper`, `${source}/./volumes/data`],
      destination: 'm-12345678',
      deleteExtra: true,
    });

    const there = await listingOf(arrived('containers'));
    expect(there).toContain('trusted.overlay.opaque');
    expect(there).toContain('user.note');
    expect(there).toMatch(/^c---.* 0,0 .*whiteout$/m);
    // Its own notes on where a file was copied up from mean something to this host's file system only.
    const here = join(source, 'containers');
    expect(await listingOf(here)).toContain('trusted.overlay.origin');
    expect(there).toBe(await listingOf(here, '--xattrs-exclude=trusted.overlay.origin'));
    expect(await readFile(arrived('volumes/data/file'), 'utf8')).toBe('volume');
    expect(await readFile(arrived('containers/db/upper/copied-up'), 'utf8')).toBe('before and after');
    expect((await stat(arrived('containers/db/upper/sparse'))).blocks).toBeLessThan(100);
    expect(bytes).toBeGreaterThan(1000);
  });

  it('sees a file of the same size that was written again within the same second', async () => {
    const second = 1_700_000_000;
    const request = { sources: [`${source}/./`], destination: 'm-12345678', deleteExtra: true };
    await writeFile(join(source, 'file'), 'before');
    await utimes(join(source, 'file'), second, second + 0.25);
    await writeFile(join(source, 'gone'), 'x');
    await transfer.send(host.record, request);
    await writeFile(join(source, 'file'), 'after!');
    await utimes(join(source, 'file'), second, second + 0.5);
    await rm(join(source, 'gone'));
    await transfer.send(host.record, request);
    expect(await readFile(arrived('file'), 'utf8')).toBe('after!');
    await expect(stat(arrived('gone'))).rejects.toThrow('ENOENT');
  });

  it('sends only what changed of a large file, and tells how far it is', async () => {
    const file = join(source, 'large');
    await run('dd', 'if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=16', 'status=none');
    const heard: TransferProgress[] = [];
    const first = await transfer.send(host.record, {
      sources: [`${source}/./large`],
      destination: 'm-12345678',
      onProgress: (progress) => heard.push(progress),
    });
    expect(first.bytes).toBeGreaterThan(16 << 20);
    expect(heard.at(-1)?.bytes).toBe(16 << 20);
    await appendFile(file, 'one line more');
    const second = await transfer.send(host.record, {
      sources: [`${source}/./large`],
      destination: 'm-12345678',
    });
    expect(second.bytes).toBeLessThan(1 << 17);
    await run('cmp', file, arrived('large'));
  });

  it('delivers the images of criu whole', async () => {
    await writeFile(join(source, 'pages-1.img'), 'pages');
    await writeFile(join(source, 'core-1.img'), 'core');
    await transfer.send(host.record, {
      sources: [`${source}/./`],
      destination: 'm-12345678',
      content: 'images',
    });
    expect(await readFile(arrived('pages-1.img'), 'utf8')).toBe('pages');
    expect(await readFile(arrived('core-1.img'), 'utf8')).toBe('core');
  });

  it('stops at once when it is cancelled', async () => {
    await writeFile(join(source, 'large'), 'x'.repeat(1 << 20));
    const cancel = new AbortController();
    const sending = transfer.send(host.record, {
      sources: [`${source}/./`],
      destination: 'm-12345678',
      signal: cancel.signal,
      extraArgs: ['--bwlimit=1'],
    });
    const begun = () => stat(arrived('large')).catch(() => undefined);
    await waitFor(begun, { timeoutMs: 60_000, what: 'the arrival of the first bytes' });
    cancel.abort();
    await expect(sending).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('what goes wrong on the way to a peer', () => {
  const send = () => transfer.send(host.record, { sources: [`${source}/./`], destination: 'm-12345678' });
  beforeEach(() => transfer.disconnect(host.record));

  it('tells a key that is not let in', async () => {
    await writeFile(host.authorizedKeysFile, '');
    const refused = { message: 'host-b does not accept the transfer key of this host' };
    await expect(transfer.connect(host.record)).rejects.toMatchObject(refused);
    await expect(send()).rejects.toMatchObject(refused);
  });

  it('tells another host key than the pinned one', async () => {
    await writeFile(
      knownHostsFile(),
      knownHostsText([{ ...host.record, sshHostKey: host.record.transferKey }]),
    );
    const other = 'host-b (127.0.0.1) does not show the SSH host key that it announced';
    await expect(transfer.connect(host.record)).rejects.toThrow(other);
    await writeFile(knownHostsFile(), knownHostsText([]));
    await expect(send()).rejects.toThrow(other);
    await writeFile(knownHostsFile(), knownHostsText([host.record]));
  });

  it('tells a port where nobody listens', async () => {
    const nobody = { ...host.record, sshPort: 1 };
    await expect(transfer.connect(nobody)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('tells a full disk', async () => {
    await run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', host.incoming);
    await mkdir(join(host.incoming, 'm-12345678'));
    try {
      await run('dd', 'if=/dev/urandom', `of=${source}/large`, 'bs=1M', 'count=4', 'status=none');
      await expect(send()).rejects.toMatchObject({ message: 'the disk of host-b is full' });
    } finally {
      await run('umount', host.incoming);
    }
  });
});
