// What a peer's key may do on a host, asked of a real sshd: deliver files below one folder, and nothing else.
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { authorizedKeysText, knownHostsText } from '../../../../agent/peers/key-files.ts';
import { installReceiveGuard } from '../../../../agent/transfer/receive-guard.ts';
import {
  closeConnection,
  openConnection,
  type SshFiles,
  sshArguments,
  sshCommandLine,
  sshTarget,
} from '../../../../agent/transfer/ssh-connection.ts';
import { runProcess } from '../../../../src/core/run-process.ts';
import { type SshHost, startSshHost } from './ssh-host.ts';

jest.setTimeout(180_000);

let host: SshHost;
let files: SshFiles;
let outside: string;
const anyExit = { allowedExitCodes: Array.from({ length: 256 }, (_, code) => code) };
const digest = 'a'.repeat(64);

/** What the peer asks sshd to run. */
const ask = (command: string) =>
  runProcess('ssh', [...sshArguments(files, host.record), sshTarget(host.record), command], anyExit);
const rsync = (options: string[], source: string, destination: string) =>
  runProcess(
    'rsync',
    [
      ...options,
      '-e',
      sshCommandLine(files, host.record),
      source,
      `${sshTarget(host.record)}:${destination}`,
    ],
    anyExit,
  );
/** How rsync is started for the peer, up to the options that a test adds. */
const server = 'rsync --server -lHogDtpAXre.iLsfxCIvu';
async function expectRefused(commands: string[]): Promise<void> {
  for (const command of commands) {
    const { exitCode, stderr } = await ask(command);
    const refused = stderr.includes('cmig: refused');
    expect({ command, exitCode, refused }).toEqual({ command, exitCode: 126, refused: true });
  }
}
const contentOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined);

beforeAll(async () => {
  host = await startSshHost('host-b');
  outside = join(host.folder, 'outside');
  const knownHostsFile = join(host.folder, 'known_hosts');
  files = { identityFile: host.identityFile, knownHostsFile, controlDirectory: join(host.folder, 'c') };
  await writeFile(knownHostsFile, knownHostsText([host.record]));
  const guard = await installReceiveGuard(join(host.folder, 'ssh'));
  await writeFile(host.authorizedKeysFile, authorizedKeysText([host.record], guard, host.incoming));
  await openConnection(files, host.record);
});

afterAll(async () => {
  await closeConnection(files, host.record);
  await host.stop();
});

beforeEach(async () => {
  await rm(host.incoming, { recursive: true, force: true });
  await rm(outside, { recursive: true, force: true });
  for (const folder of [join(host.incoming, 'm-12345678'), join(host.incoming, 'm-1'), outside])
    await mkdir(folder, { recursive: true });
  await writeFile(join(host.folder, 'payload'), 'delivered');
});

describe('the receive guard', () => {
  it('lets files through to a migration and to an image', async () => {
    const payload = join(host.folder, 'payload');
    expect(await rsync(['-a'], payload, 'm-12345678/')).toMatchObject({ exitCode: 0 });
    expect(await rsync(['-a'], payload, `images/${digest}/`)).toMatchObject({ exitCode: 0 });
    expect(await contentOf(join(host.incoming, 'm-12345678/payload'))).toBe('delivered');
    expect(await contentOf(join(host.incoming, `images/${digest}/payload`))).toBe('delivered');
  });

  it('opens no shell and runs no command', async () => {
    const proof = join(outside, 'proof');
    await expectRefused([
      '',
      `touch ${proof}`,
      `${server} . m-1/;touch ${proof}`,
      `${server} . $(touch ${proof})`,
      `${server} . m-1/\ntouch ${proof}`,
      `rsync --daemon --config=${proof}`,
      `/usr/bin/touch ${proof}`,
    ]);
    expect(await contentOf(proof)).toBeUndefined();
  });

  it('writes to no other folder', async () => {
    await expectRefused(
      [
        `${outside}/`,
        '../outside/',
        'm-1/../../outside/',
        'images/../../outside/',
        'images/',
        './',
        'other/',
        'm-1/ m-2/',
        `images/${'b'.repeat(63)}/`,
        `images/${digest}/rootfs/`,
        'm-1/below/',
      ].map((destination) => `${server} . ${destination}`),
    );
    const payload = join(host.folder, 'payload');
    expect((await rsync(['-a'], payload, `${outside}/`)).exitCode).not.toBe(0);
    expect(await contentOf(join(outside, 'payload'))).toBeUndefined();
  });

  it('takes nothing for a migration that nobody here has prepared, or that has turned back', async () => {
    await expectRefused([`${server} . m-3/`]);
    expect((await rsync(['-a'], join(host.folder, 'payload'), 'm-3/')).exitCode).not.toBe(0);
    expect(await contentOf(join(host.incoming, 'm-3/payload'))).toBeUndefined();
  });

  it('gives nothing away', async () => {
    await writeFile(join(host.incoming, 'm-1/secret'), 'secret');
    const got = join(outside, 'got');
    await runProcess(
      'rsync',
      ['-a', '-e', sshCommandLine(files, host.record), `${sshTarget(host.record)}:m-1/secret`, got],
      anyExit,
    );
    expect(await contentOf(got)).toBeUndefined();
  });

  it('takes no option that names a path, hides the arguments or follows links', async () => {
    await expectRefused(
      [
        `--temp-dir=${outside}`,
        `--backup-dir=${outside}`,
        `--partial-dir=${outside}`,
        `--copy-dest=${outside}`,
        `--link-dest=${outside}`,
        `--compare-dest=${outside}`,
        `--log-file=${outside}/log`,
        `--files-from=${outside}/list`,
        '--sender',
        '--remove-source-files',
        '--secluded-args',
        '--keep-dirlinks',
        '--no-implied-dirs',
        '--write-devices',
        '--timeout=1x',
        '-s',
        '-lHKe.iLsfxCIvu',
        '-lHse.iLsfxCIvu',
      ].map((option) => `${server} ${option} . m-1/`),
    );
    const payload = join(host.folder, 'payload');
    const log = join(outside, 'log');
    expect((await rsync(['-a', `-M--log-file=${log}`], payload, 'm-1/')).exitCode).not.toBe(0);
    expect(await contentOf(log)).toBeUndefined();
  });

  it('does not write through a link that an earlier delivery left', async () => {
    const first = join(host.folder, 'first');
    const second = join(host.folder, 'second');
    await rm(first, { recursive: true, force: true });
    await rm(second, { recursive: true, force: true });
    await mkdir(first);
    await symlink(outside, join(first, 'link'));
    await mkdir(join(second, 'link'), { recursive: true });
    await writeFile(join(second, 'link/payload'), 'delivered');
    expect(await rsync(['-a'], `${first}/`, 'm-1/')).toMatchObject({ exitCode: 0 });
    await rsync(['-aR', '--inplace'], `${second}/./link/payload`, 'm-1/');
    const hidden = await rsync(['-aR', '--inplace', '--no-implied-dirs'], `${second}/./link/payload`, 'm-1/');
    expect(hidden.exitCode).not.toBe(0);
    await rsync(['-a'], `${second}/link/payload`, 'm-1/link/');
    expect(await contentOf(join(outside, 'payload'))).toBeUndefined();
  });

  it('does not deliver into a destination that is a link', async () => {
    await symlink(outside, join(host.incoming, 'm-2'));
    await rsync(['-a'], join(host.folder, 'payload'), 'm-2/');
    expect(await contentOf(join(outside, 'payload'))).toBeUndefined();
    await expectRefused([`${server} . m-2/`]);
  });

  it('forwards no port', async () => {
    const { stdout } = await runProcess(
      'ssh',
      [...sshArguments(files, host.record), '-W', `127.0.0.1:${host.record.sshPort}`, sshTarget(host.record)],
      anyExit,
    );
    expect(stdout).toBe('');
  });
});
