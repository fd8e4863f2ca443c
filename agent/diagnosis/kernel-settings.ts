// Settings of the kernel that decide whether containers start, packets pass and peers resume at once.
import { readFile } from 'node:fs/promises';
import { runProcess } from '../../src/core/run-process.ts';
import type { Machine } from '../migration/machine.ts';
import { namespacePath } from '../network/namespace-path.ts';
import { ok, problem, quoted, type Said, warning } from './findings.ts';

/** What a namespace of an application has to say; see application-network.ts. */
const inNamespace: Record<string, string> = {
  'net.ipv4.icmp_ratelimit': '0',
  'net.ipv4.tcp_timestamps': '1',
};

export async function lookAtKernelSettings({
  network,
  applications,
}: Pick<Machine, 'network' | 'applications'>): Promise<Said[]> {
  const names = (await applications.list()).map(({ manifest }) => manifest.metadata.name);
  const running = names.filter((name) => network.exists(name));
  const found = [
    await overcommit(),
    await namespaces(),
    await bridgedPackets(),
    ...(await Promise.all(running.map(applicationSettings))).flat(),
  ].filter((each) => each !== undefined);
  return found.length > 0 ? found : [ok('the kernel is set as it should be')];
}

const read = async (setting: string): Promise<string | undefined> =>
  (await readFile(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8').catch(() => undefined))?.trim();

async function overcommit(): Promise<Said | undefined> {
  if ((await read('vm.overcommit_memory')) !== '2') return undefined;
  return warning('vm.overcommit_memory is 2: a restore that needs more than is promised fails', {
    command: 'sysctl -w vm.overcommit_memory=0',
  });
}

async function namespaces(): Promise<Said | undefined> {
  const setting = 'user.max_net_namespaces';
  const most = Number((await read(setting)) ?? Number.POSITIVE_INFINITY);
  if (most >= 64) return undefined;
  return problem(`${setting} is ${most}: applications need a network namespace each`, {
    command: `sysctl -w ${setting}=16384`,
  });
}

/** Docker and others drop what is forwarded; with br_netfilter that hits what merely passes a bridge. */
async function bridgedPackets(): Promise<Said | undefined> {
  const setting = 'net.bridge.bridge-nf-call-iptables';
  if ((await read(setting)) !== '1') return undefined;
  const { stdout } = await runProcess('nft', ['list', 'chains'], { allowedExitCodes: [0, 1] });
  if (!/hook forward[^}]*policy drop/.test(stdout)) {
    // See forwarding.ts: `between` is there only with an overlay, where no two hosts share a bridge.
    if (!/table ip cmig_forwarding/.test(stdout) || /chain between/.test(stdout)) return undefined;
    return warning(
      'packets that merely pass the bridge are translated as well: published ports do not answer who comes through it',
      { command: `sysctl -w ${setting}=0` },
    );
  }
  return problem(
    'packets that pass the bridge are held against rules that drop what is forwarded: applications are cut off',
    { command: `sysctl -w ${setting}=0` },
  );
}

async function applicationSettings(application: string): Promise<Said[]> {
  const inside = ['nsenter', `--net=${namespacePath(application)}`, '--'];
  const names = Object.keys(inNamespace);
  const { stdout } = await runProcess(inside[0]!, [...inside.slice(1), 'sysctl', '-n', '-e', ...names], {
    allowedExitCodes: [0, 1, 255],
  });
  const values = stdout.trim().split('\n');
  return names.flatMap((name, index) => {
    const [value, wanted] = [values[index], inNamespace[name]!];
    if (value === undefined || value === '' || value === wanted) return [];
    return [
      warning(`${name} of ${application} is ${value}: its peers resume late after a migration`, {
        command: [...inside, 'sysctl', '-w', `${name}=${wanted}`].map(quoted).join(' '),
      }),
    ];
  });
}
