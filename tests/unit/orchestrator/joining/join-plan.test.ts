// What is done on a machine follows from what it tells of itself.
import { describe, expect, it } from '@jest/globals';
import { type HostFacts, parseHostFacts } from '../../../../src/orchestrator/joining/host-facts.ts';
import {
  configurationFiles,
  type InstalledFile,
  pipeMaxBytes,
  sshdFile,
} from '../../../../src/orchestrator/joining/installed-files.ts';
import { checkMachine, planJoin, type WantedFiles } from '../../../../src/orchestrator/joining/join-plan.ts';

const bare = [
  'uid=0',
  'distribution=debian',
  'system=Debian GNU/Linux 12 (bookworm)',
  'kernel=6.1.0-18-cloud-amd64',
  'architecture=x86_64',
  'flags=fpu cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3',
  'cores=2',
  'memory=2000000',
  'cgroup=2',
  'init=systemd',
  'free./opt=5000000',
  'free./var/lib=5000000',
  'free./etc=5000000',
  'program.apt-get=/usr/bin/apt-get',
  'program.dnf=/usr/bin/dnf',
  'program.ssh=/usr/bin/ssh',
  'program.tar=/usr/bin/tar',
  'authorizedKeys=.ssh/authorized_keys .ssh/authorized_keys2',
  'sshdPid=/run/sshd.pid',
  'sshdIncludes=yes',
  'hostKey./etc/ssh/ssh_host_ed25519_key.pub=ssh-ed25519 AAAA',
  'pipes=1048576',
];
const factsOf = (...lines: string[]): HostFacts => parseHostFacts([...bare, ...lines, 'end=yes'].join('\n'));

const file = (path: string): InstalledFile => ({ path, mode: '644', sha256: 'abc', content: '' });
const wanted: WantedFiles = {
  runtime: [file('/opt/cmig/host/agent.mjs'), file('/opt/cmig/host/node')],
  configuration: [file('/etc/cmig/agent.yaml')],
  sshd: [file('/etc/ssh/sshd_config.d/cmig.conf')],
  sysctl: [file('/etc/sysctl.d/90-cmig.conf')],
  service: [file('/etc/systemd/system/cmig-agent.service')],
};
const all = Object.values(wanted).flat() as InstalledFile[];
const complete = [
  ...['rsync', 'nft', 'conmon', 'ip', 'tc', 'busybox', 'sysctl', 'ps', 'zstd', 'xz', 'nsenter', 'flock'].map(
    (program) => `program.${program}=/usr/bin/${program}`,
  ),
  ...all.map(({ path, mode, sha256 }) => `file.${path}=${mode} ${sha256}`),
  'file./etc/cmig/identity=600 def',
  'file./etc/cmig/identity.pub=600 def',
  ...['tested=yes', 'enabled=yes', 'running=yes', 'added=yes', `pipes=${pipeMaxBytes}`],
];
const changing = (facts: HostFacts, files = wanted) =>
  Object.fromEntries(
    planJoin(facts, files)
      .steps.filter(({ changes }) => changes.length > 0)
      .map(({ step, changes }) => [step, changes]),
  );

describe('the plan of joining', () => {
  it('does everything on a machine that has nothing', () => {
    const plan = planJoin(factsOf(), wanted);
    expect(plan.packages).toEqual(
      'busybox conmon criu iproute2 nftables patchelf procps rsync runc util-linux xz-utils zstd'.split(' '),
    );
    expect(plan.steps.map(({ step, changes }) => [step, changes.length > 0])).toEqual(
      'packages runtime criu key certificate configuration sshd sysctl service start'
        .split(' ')
        .map((step) => [step, step !== 'certificate']),
    );
  });

  it('has WireGuard installed where the overlay may need it, and only there', () => {
    const needs = (lines: string[]) => planJoin(factsOf(...lines), { ...wanted, encrypts: true }).packages;
    expect(needs(complete)).toEqual(['wireguard-go', 'wireguard-tools']);
    expect(needs([...complete, 'distribution=fedora'])).toEqual(['wireguard-tools']);
  });

  it('does nothing where all is right, though no criu is on its PATH', () => {
    expect(changing(factsOf(...complete))).toEqual({});
  });

  it('does what is missing and no more, and starts the agent anew where it reads what changed', () => {
    const anew = { start: ['starts it anew; containers run on'] };
    const without = (path: string) => complete.filter((line) => !line.startsWith(`file.${path}`));
    const cases: [string[], object][] = [
      [without('/opt/cmig/host/node'), { runtime: ['/opt/cmig/host/node'], ...anew }],
      [
        [...complete, 'file./etc/cmig/agent.yaml=600 abc'],
        { configuration: ['/etc/cmig/agent.yaml'], ...anew },
      ],
      [without('/etc/ssh/'), { sshd: ['/etc/ssh/sshd_config.d/cmig.conf'] }],
      [complete.filter((line) => line !== 'running=yes'), { start: ['starts it'] }],
      [[...complete, 'pipes=4096'], { sysctl: ['/etc/sysctl.d/90-cmig.conf'] }],
      [[...complete, 'pending=yes'], { packages: ['an interrupted installation'] }],
    ];
    for (const [lines, expected] of cases) expect(changing(factsOf(...lines))).toEqual(expected);
  });

  it('has a Node fetched where the machine has not got it, and only there', () => {
    const toFetch = 'Node for another architecture';
    expect(planJoin(factsOf(), wanted, toFetch)).toMatchObject({ toFetch });
    expect(planJoin(factsOf(...complete), wanted, toFetch)).not.toHaveProperty('toFetch');
    expect(planJoin(factsOf(), wanted)).not.toHaveProperty('toFetch');
  });

  it('has a certificate made where there is none by this authority, or it soon expires', () => {
    const certified = { ...wanted, ca: file('/etc/cmig/ca.crt') };
    const made = { certificate: ['/etc/cmig/host.crt'], start: ['starts it anew; containers run on'] };
    const until = (days: number) =>
      `certificateUntil=${new Date(Date.now() + days * 86_400_000).toUTCString()}`;
    const own = ['file./etc/cmig/host.key=600 def', 'file./etc/cmig/ca.crt=644 abc'];
    expect(changing(factsOf(...complete), certified)).toEqual(made);
    expect(changing(factsOf(...complete, ...own, until(300)), certified)).toEqual({});
    expect(changing(factsOf(...complete, ...own, until(5)), certified)).toEqual(made);
    const others = ['file./etc/cmig/ca.crt=644 other', until(300)];
    expect(changing(factsOf(...complete, ...own, ...others), certified)).toEqual(made);
  });

  it('names all that keeps a machine from being a host', () => {
    const problemsOf = (facts: HostFacts): string[] => {
      try {
        checkMachine(facts);
        return [];
      } catch (error) {
        const { problems = [], message } = error as { problems?: { message: string }[]; message: string };
        return problems.length > 0 ? problems.map((each) => each.message) : [message];
      }
    };
    expect(problemsOf(factsOf())).toEqual([]);
    expect(problemsOf(factsOf('architecture=aarch64'))).toEqual([]);
    expect(problemsOf(factsOf('uid=1000', 'free./opt=1000', 'architecture=riscv64'))).toEqual([
      expect.stringContaining('root'),
      'its architecture is riscv64, and a host is one of x86_64, aarch64',
      '/opt has 1 MB left, and 400 MB are needed',
    ]);
    expect(problemsOf(factsOf('distribution=plan9', 'system=Plan 9'))).toEqual([
      'nothing is known of how Plan 9 installs packages',
    ]);
    expect(problemsOf(factsOf('distribution=linuxmint', 'like=ubuntu debian'))).toEqual([]);
    expect(() => parseHostFacts(bare.join('\n'))).toThrow('cut off');
  });

  it('asks dnf for the names that its packages have there', () => {
    const plan = planJoin(factsOf('distribution=rocky', 'like=rhel centos fedora'), wanted);
    expect(plan.manager).toBe('dnf');
    expect(plan.packages).toEqual(
      'busybox conmon criu iproute iproute-tc nftables procps-ng rsync runc util-linux xz zstd'.split(' '),
    );
  });
});

describe('the files of a host', () => {
  it('let sshd read the keys of peers beside those it reads anyway, however often they are written', () => {
    const first = sshdFile(factsOf()).content;
    expect(first).toBe(
      'Match User root\n  AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /var/lib/cmig/ssh/authorized_keys\n',
    );
    const told = (first as string).split('AuthorizedKeysFile ')[1]!.trim();
    expect(sshdFile(factsOf(`authorizedKeys=${told}`)).content).toBe(first);
  });

  it('keep the password out of the configuration, and both from others', () => {
    const settings = {
      ...{ name: 'host-d', address: '192.0.2.7', sshPort: 22, labels: { site: 'aws' } },
      ...{
        brokerUrl: 'amqp://192.0.2.1:5672/cmig',
        insecure: true,
        certified: false,
        hostKeyFile: '/etc/ssh/ssh_host_ed25519_key.pub',
      },
      ...{ bridge: 'cmig0', range: '10.77.0.0/16' },
    };
    const files = configurationFiles(settings, 'cmig:secret');
    expect(files.map(({ mode }) => mode)).toEqual(['600', '600']);
    expect(files[0]!.content).not.toContain('secret');
    expect(files[1]!.content).toBe('cmig:secret');
  });
});
