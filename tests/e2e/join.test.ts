// A machine that has nothing but sshd becomes a host by one command, whatever cuts that off, and takes an application.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { stringify } from 'yaml';
import type { Application } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import { type BareHost, bootBareHost } from './bare-host.ts';
import { differences, filesOf } from './files-of.ts';
import { cmig, cmigJson, cmigOk, images, startCmig } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { ownLabs, settings } from './settings.ts';

jest.setTimeout(300_000);
const lab = ownLabs[4];
const name = 'host-x';
const context = ['--context', `lab-${lab}`];

let host: BareHost;
let add: string[];
let before: Map<string, string>;
beforeAll(async () => {
  await mkdir(settings.folder, { recursive: true });
  await cmigOk('lab', 'up', '--name', lab, '--hosts', '1');
  host = await bootBareHost(lab, name);
  before = await filesOf(host.root);
  add = ['host', 'add', name, `ssh://root@${host.address}`, '--identity', host.identity, ...context];
});
afterAll(async () => {
  await host?.close();
  await cmigOk('lab', 'down', '--name', lab);
});

/** Kills the command as soon as `moment` has come. */
async function killAt(moment: (said: string) => boolean): Promise<void> {
  const adding = startCmig(...add);
  let said = '';
  adding.stdout!.on('data', (text) => {
    said += String(text);
  });
  await waitFor(() => moment(said), { timeoutMs: 120_000, intervalMs: 5, what: `a moment of ${said}` });
  adding.kill('SIGKILL');
  await adding.ended;
}

describe('cmig host add', () => {
  it('asks for the host key, looks, says what it would change, and changes nothing', async () => {
    const unknown = await cmig(...add, '--dry-run');
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(host.hostKey) });
    const another = await cmig(...add, '--dry-run', '--host-key', `SHA256:${'A'.repeat(43)}`);
    expect(another).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('not the one given') });
    const said = await cmigOk(...add, '--dry-run', '--host-key', host.hostKey);
    expect(said).toMatch(/^Debian .* kernel .*\ncgroup v[12], no systemd, criu none, runc none, /);
    expect(said).toMatch(/packages: +by apt-get: .*conmon.*rsync/);
    expect(said).toContain(`host/${name} can be added (dry run)`);
    expect(differences(before, await filesOf(host.root))).toEqual([]);
  });

  it('makes it a host wherever it was cut off before, and then has nothing to change', async () => {
    // The cgroups of all machines of a lab are one tree: this one's stand where they go with the lab.
    add.push('--cgroup-parent', `/cmig-lab-${lab}/${name}`, '--label', 'site=aws');
    await killAt(() => existsSync(join(host.root, 'opt/cmig/host/packages.pending')));
    await killAt(() => existsSync(join(host.root, 'opt/cmig/host/node.new')));
    await killAt((said) => said.includes('agent and Node: '));
    await killAt((said) => said.includes('criu and runc: '));
    await killAt((said) => said.includes('configuration: '));
    await killAt((said) => said.includes('service: '));
    expect(await cmigOk(...add)).toMatch(new RegExp(`^host/${name} (added|brought in order)$`, 'm'));
    expect(await cmigOk(...add)).toMatch(new RegExp(`^host/${name}: no change$`, 'm'));
    // The Debian's own criu does not work on every kernel; what stands in the prefix has been tried.
    expect(existsSync(join(host.root, 'opt/cmig/selftest.passed'))).toBe(true);
    const secrets = join(host.root, 'etc/cmig');
    const files = await filesOf(secrets);
    expect(
      [...files].filter(([path]) => !path.endsWith('.pub')).map(([, told]) => told.split(' ')[0]),
    ).toEqual(Array(files.size - 1).fill('f600'));
  });

  it('repairs what was broken, and nothing else', async () => {
    await writeFile(join(host.root, 'opt/cmig/host/start'), 'exit 1\n');
    const { changed } = await cmigJson<{ changed: { step: string; changes: string[] }[] }>(...add);
    expect(changed).toEqual([
      { step: 'runtime', changes: ['/opt/cmig/host/start'] },
      { step: 'start', changes: ['starts it anew; containers run on'] },
    ]);
  });

  it('gives a host that takes an application with its connection, and keeps it while its agent is killed', async () => {
    const manifest = {
      apiVersion: 'cmig.dev/v1',
      kind: 'Application',
      metadata: { name: 'tick' },
      spec: {
        host: 'host-a',
        containers: [
          {
            name: 'main',
            image: `dir:${images}/python`,
            command: ['python3', '/app/ticker.py'],
            env: [{ name: 'PORT', value: '7000' }],
            ready: { tcp: 7000 },
          },
        ],
      },
    };
    const file = join(settings.folder, 'join.yaml');
    await writeFile(file, stringify(manifest));
    await cmigOk('apply', '--allow-outside', '--wait', '-f', file, ...context);
    const { status } = await cmigJson<Application>('get', 'app', 'tick', ...context);
    const stream = await NumberedStream.open({ host: status.address!, port: 7000 });
    try {
      await stream.more(5);
      await cmigOk('migrate', 'tick', name, ...context);
      await stream.more(20, 60_000);
      const pid = host.agent;
      const killed = (await pid())!;
      process.kill(killed, 'SIGKILL');
      await waitFor(async () => ![undefined, killed].includes(await pid()), {
        timeoutMs: 60_000,
        what: 'another start of the agent',
      });
      await stream.more(20, 60_000);
      expect(await cmigOk(...add)).toContain('no change');
      await cmigOk('migrate', 'tick', 'host-a', ...context);
      await stream.more(20, 60_000);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
  });
});
