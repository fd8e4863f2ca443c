// A machine that has nothing of cmig's: a minimal Debian with sshd, in the network of the tests' lab.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { findSwitch } from '../../src/lab/lab-network.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { attachment, gatewayAddress, machineMac } from '../../src/lab/lab-plan.ts';
import { readPlan } from '../../src/lab/lab-state.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { marks, processesWith } from '../../src/lab/process-table.ts';
import { openMirrorProxy } from './mirror-proxy.ts';
import { artifacts, root } from './settings.ts';

const included = ['openssh-server'];
/** Mirrors have their moments. */
const retries = 'Acquire::Retries "5";';
const suiteFunctions = join(root, 'scripts/setup/apt-suite.sh');

/** Of this machine's own release, from its own mirror; made once and kept. @returns the archive */
async function rootArchive(): Promise<string> {
  const { stdout: source } = await runProcess('bash', [
    '-c',
    '. "$0" && source_for_suite "$(. /etc/os-release && echo "$VERSION_CODENAME")"',
    suiteFunctions,
  ]);
  const digest = createHash('sha256')
    .update(source)
    .update(['minbase', ...included].join())
    .digest('hex')
    .slice(0, 12);
  const archive = join(artifacts, `../bare-root-${digest}.tar`);
  if (existsSync(archive)) return archive;
  await mkdir(join(artifacts, '..'), { recursive: true });
  const made = `${archive}.${process.pid}`;
  const suite = /^Suites: (\S+)$/m.exec(source)![1]!;
  await writeFile(`${made}.sources`, source);
  await runProcess(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=minbase',
      `--include=${included.join()}`,
      '--format=tar',
      `--aptopt=${retries}`,
      suite,
      made,
      `${made}.sources`,
    ],
    { timeoutMs: 300_000 },
  );
  await rm(`${made}.sources`);
  await rename(made, archive);
  return archive;
}

export interface BareHost {
  name: string;
  address: string;
  /** Its root file system, as this machine sees it. */
  root: string;
  /** `SHA256:…` */
  hostKey: string;
  /** The private key that it lets in as root. */
  identity: string;
  /** In the lab's network: where this machine is met. */
  gateway: string;
  /** The process of its agent, as this machine sees it; undefined where none runs. */
  agent(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Boots it. With the lab it ends, and its disk goes. @param name of the form host-x, which no host of the lab has */
export async function bootBareHost(lab: string, name: string): Promise<BareHost> {
  const plan = (await readPlan(lab))!;
  const folder = new LabPaths(lab).machine(name).directory;
  const [disk, identity] = [join(folder, 'disk'), join(folder, 'identity')];
  const gateway = gatewayAddress(plan);
  const proxy = await openMirrorProxy(gateway);
  await mkdir(disk, { recursive: true });
  await runProcess('tar', ['-xpf', await rootArchive(), '-C', disk], { timeoutMs: 300_000 });
  await rm(identity, { force: true });
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity]);
  await mkdir(join(disk, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await writeFile(join(disk, 'root/.ssh/authorized_keys'), await readFile(`${identity}.pub`), {
    mode: 0o600,
  });
  const key = join(disk, 'etc/ssh/ssh_host_ed25519_key');
  for (const file of [key, `${key}.pub`]) await rm(file, { force: true });
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key]);
  // What this machine's apt is told of its mirror holds there too, but for the way to it.
  const { stdout: told } = await runProcess('apt-config', ['dump', 'Acquire']);
  const settings = told.split('\n').filter((line) => line.endsWith(';') && !/Proxy|IndexTargets/i.test(line));
  settings.push(retries, `Acquire::http::Proxy "${proxy.url}";`, `Acquire::https::Proxy "${proxy.url}";`);
  await writeFile(join(disk, 'etc/apt/apt.conf.d/90mirror'), `${settings.join('\n')}\n`);
  // What is lost with the power is lost with the test.
  await writeFile(join(disk, 'etc/dpkg/dpkg.cfg.d/quick'), 'force-unsafe-io\n');
  await writeFile(join(disk, 'etc/hostname'), `${name}\n`);
  // As every installer leaves it.
  await writeFile(join(disk, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n`);
  const log = await open(join(folder, 'boot.log'), 'w');
  const lan = await open(`/proc/${await findSwitch(lab)}/ns/net`, 'r');
  const place = attachment(plan, name);
  const first = spawnProcess(
    '/usr/bin/env',
    [
      '-i',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      ...Object.entries(marks(lab, name)).map(([variable, value]) => `${variable}=${value}`),
      ...['unshare', '--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--propagation', 'private'],
      ...['/bin/sh', join(import.meta.dirname, 'bare-host.sh')],
      ...[disk, name, place.address, machineMac(plan, name), place.switch, place.router ?? '-'],
    ],
    { cwd: '/', env: marks(lab, name), detached: true, stdio: ['ignore', log.fd, log.fd, lan.fd] },
  );
  await Promise.all([log.close(), lan.close()]);
  await waitFor(
    async () => {
      const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'latin1').catch(
        () => '',
      );
      if (!existsSync(`/proc/${first.pid}`))
        throw new Error(`${name} ended while it booted: see ${folder}/boot.log`);
      return existsSync(`/proc/${children.trim().split(' ')[0] || 0}/root/run/lab-ready`);
    },
    { timeoutMs: 60_000, what: `the boot of ${name}: see ${folder}/boot.log` },
  );
  const { stdout } = await runProcess('ssh-keygen', ['-lf', `${key}.pub`]);
  return {
    ...{ name, address: place.address.split('/')[0]!, identity, gateway, root: disk },
    hostKey: stdout.split(' ')[1]!,
    async agent() {
      const init = (await runningMachines(lab)).get(name)!;
      const processes = await processesWith(init);
      return processes.find(({ argv }) => argv.includes('/opt/cmig/host/agent.mjs'))?.pid;
    },
    close: () => proxy.close(),
  };
}
