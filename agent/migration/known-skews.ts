// What is known to break between two machines that differ: one row each, with the place where it is written down.
import type { Skew } from './skew.ts';
import { isBefore, leading } from './versions.ts';

type Versioned = 'criu' | 'kernel' | 'runc';
/** From `atLeast` on, and before `below`. */
interface Range {
  atLeast?: string;
  below?: string;
}
type Ranges = Partial<Record<Versioned, Range>>;

export interface KnownSkew {
  /** Which check it belongs to; several rows may share one. */
  where: string;
  /** `refuse` only what cannot go well, or would go wrong unseen: what criu refuses itself is undone, and costs a pause. */
  effect: 'refuse' | 'warn';
  /** Versions at either end: all that are given must fit. */
  from?: Ranges;
  to?: Ranges;
  /** Beside the versions, or instead of them. */
  when?: (skew: Skew) => boolean;
  /** It concerns the dump only: nothing that can still happen to a checkpoint. */
  atDump?: true;
  /** What differs, where the versions do not say it. */
  differs?: (skew: Skew) => string;
  because: string | ((skew: Skew) => string);
  hint: (skew: Skew) => string;
  /** Public documentation, source, or the report of it. */
  source: string;
}

const criuIssue = (number: number) => `https://github.com/checkpoint-restore/criu/issues/${number}`;
const criuPull = (number: number) => `https://github.com/checkpoint-restore/criu/pull/${number}`;
const man = (page: string) => `https://man7.org/linux/man-pages/${page}.html`;
const kernelDocs = (page: string) => `https://docs.kernel.org/${page}.html`;

const updateCriu = (where: 'from' | 'to', version: string) => (skew: Skew) =>
  `bring criu on ${skew[where].name} to ${version}`;
const another = ({ to }: Skew) => `choose another host than ${to.name}`;
const seconds = (milliseconds: number) => `${(Math.abs(milliseconds) / 1000).toFixed(1)} s`;

/** Programs with glibc 2.35 or later have a restartable sequence from their start. */
const rseq = { atLeast: '4.18', below: '5.13' };
/** Below it, the difference of two clocks is lost in what people do not notice. */
const clocksApartMs = 1000;

/** Its labels that AppArmor has no profile of there; those of namespaces and stacks are not looked at. */
const missingProfiles = ({ from, to, uses }: Skew): string[] =>
  from.securityModule === 'apparmor' && to.securityModule === 'apparmor' && to.profiles
    ? (uses?.securityLabels ?? []).filter((label) => !/^:|\/\/&/.test(label) && !to.profiles!.includes(label))
    : [];
const differ = <T>(one: T | undefined, other: T | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;

export const knownSkews: readonly KnownSkew[] = [
  {
    where: 'criu',
    effect: 'refuse',
    from: { criu: { atLeast: '4.2' } },
    // Of an earlier major version all is refused, below.
    to: { criu: { atLeast: '4.0', below: '4.2' } },
    because: 'from 4.2 on its images count pages in a field that earlier ones do not read',
    hint: updateCriu('to', '4.2'),
    source: criuIssue(2847),
  },
  {
    where: 'criu',
    effect: 'refuse',
    when: ({ from, to }) => isBefore(leading(to.criu, 1), leading(from.criu, 1)) === true,
    differs: ({ from, to }) =>
      `criu ${from.criu} of ${from.name} is newer than criu ${to.criu} of ${to.name}`,
    because: 'a criu reads the images of earlier ones, not of later ones',
    hint: (skew) => updateCriu('to', skew.from.criu)(skew),
    source: 'https://github.com/checkpoint-restore/criu/commit/afb2e6c3f95dd0b15f739d9669bd7eaf120a2f31',
  },
  {
    where: 'criu',
    effect: 'warn',
    from: { criu: { atLeast: '4.1' } },
    to: { criu: { atLeast: '4.0', below: '4.1' } },
    because: 'a program that holds a pidfd cannot be restored by what does not know them yet',
    hint: updateCriu('to', '4.1'),
    source: 'https://github.com/checkpoint-restore/criu/blob/v4.1/images/fdinfo.proto',
  },
  {
    where: 'criu',
    effect: 'warn',
    to: { criu: { below: '3.17' }, kernel: { atLeast: '4.18' } },
    because: 'it does not restore restartable sequences: a program with glibc 2.35 or later may crash',
    hint: updateCriu('to', '3.17'),
    source: criuIssue(1696),
  },
  {
    where: 'criu',
    effect: 'warn',
    to: { criu: { below: '4.1' }, kernel: { atLeast: '6.13' } },
    when: ({ to }) => to.architecture === 'x64',
    because: "it does not know this kernel's vvar_vclock, and may fail with: Unexpected rt vDSO area bounds",
    hint: updateCriu('to', '4.1'),
    source: criuIssue(2532),
  },
  {
    where: 'criu',
    effect: 'warn',
    to: { criu: { below: '4.1.1' }, kernel: { atLeast: '6.16' } },
    because: 'the restore of mounts that are slaves of others fails: Failed to make mount … slave',
    hint: updateCriu('to', '4.1.1'),
    source: criuIssue(2694),
  },
  {
    where: 'criu',
    effect: 'warn',
    from: { criu: { below: '4.2' }, kernel: { atLeast: '6.16' } },
    atDump: true,
    because: "the dump of TCP sockets may fail: Can't get 1:16 opt",
    hint: updateCriu('from', '4.2'),
    source: criuIssue(2705),
  },
  {
    where: 'criu',
    effect: 'warn',
    to: { criu: { below: '4.2' }, kernel: { atLeast: '6.16' } },
    because: 'what has TCP sockets may not be dumped there, and so not be moved away again',
    hint: updateCriu('to', '4.2'),
    source: criuIssue(2705),
  },
  {
    where: 'kernel',
    effect: 'warn',
    from: { criu: { atLeast: '3.17' }, kernel: rseq },
    atDump: true,
    because: 'a program with glibc 2.35 or later cannot be dumped: has rseq but kernel lacks get_rseq_conf',
    hint: ({ from }) => `bring ${from.name} to kernel 5.13`,
    source: criuIssue(2070),
  },
  {
    where: 'kernel',
    effect: 'warn',
    to: { criu: { atLeast: '3.17' }, kernel: rseq },
    because: 'a program with glibc 2.35 or later cannot be dumped there, and so not be moved away again',
    hint: ({ to }) => `bring ${to.name} to kernel 5.13`,
    source: criuIssue(2070),
  },
  {
    where: 'kernel',
    effect: 'warn',
    from: { kernel: { atLeast: '6.13' } },
    to: { kernel: { below: '6.13' } },
    because: 'guard regions (glibc 2.42 has one on the stack of every thread) cannot be restored there',
    hint: another,
    source: criuIssue(2626),
  },
  {
    where: 'kernel',
    effect: 'warn',
    from: { kernel: { atLeast: '6.13', below: '6.16' } },
    atDump: true,
    because: 'what has guard regions (with glibc 2.42 every thread) cannot be dumped',
    hint: ({ from }) => `bring ${from.name} to kernel 6.16`,
    source: criuPull(2652),
  },
  {
    where: 'kernel',
    effect: 'warn',
    when: ({ from, to }) => isBefore(leading(to.kernel, 2), leading(from.kernel, 2)) === true,
    differs: ({ from, to }) => `kernel ${from.kernel} on ${from.name}, ${to.kernel} on ${to.name}`,
    because: 'a program that has found a system call of the newer one goes on using it',
    hint: ({ to }) => `see that it does without, or bring ${to.name} to that kernel`,
    source: man('man2/syscalls.2'),
  },
  {
    where: 'time',
    effect: 'refuse',
    when: ({ to, uses }) => uses?.ownTimeNamespace === true && to.timeNamespaces === false,
    differs: ({ from, to }) =>
      `the kernel ${to.kernel} of ${to.name} has no time namespaces, that of ${from.name} has`,
    because: 'the application has one, since it was restored before',
    hint: another,
    source: criuPull(1002),
  },
  {
    where: 'time',
    effect: 'warn',
    when: ({ from, to, uses }) =>
      differ(from.timeNamespaces, to.timeNamespaces) && !(uses?.ownTimeNamespace && !to.timeNamespaces),
    differs: ({ from, to }) =>
      `the kernel of ${(from.timeNamespaces ? to : from).name} has no time namespaces, that of ${(from.timeNamespaces ? from : to).name} has`,
    because: 'the monotonic clock jumps to the time since the start of the other machine, maybe back',
    hint: another,
    source: man('man7/time_namespaces.7'),
  },
  {
    where: 'time',
    effect: 'warn',
    when: ({ clocks }) =>
      clocks !== undefined && Math.abs(clocks.aheadMs) - clocks.uncertainMs >= clocksApartMs,
    differs: ({ from, to, clocks }) =>
      `the clock of ${to.name} is ${seconds(clocks!.aheadMs)} ${clocks!.aheadMs > 0 ? 'ahead of' : 'behind'} that of ${from.name} (± ${Math.ceil(clocks!.uncertainMs)} ms)`,
    because: 'the time of day is not carried along: it jumps for timers, certificates and times of files',
    hint: ({ from, to }) => `set the clocks of ${from.name} and ${to.name} by one time server`,
    source: man('man7/time_namespaces.7'),
  },
  {
    where: 'runc',
    effect: 'warn',
    to: { runc: { below: '1.2.7' } },
    when: ({ to }) => to.timeNamespaces === true,
    because: "what `cmig exec` starts there does not see the application's monotonic clock",
    hint: ({ to }) => `bring runc on ${to.name} to 1.2.7 or 1.3.0`,
    source: 'https://github.com/opencontainers/runc/pull/4696',
  },
  {
    where: 'pagesize',
    effect: 'refuse',
    when: ({ from, to }) => differ(from.pageSizeBytes, to.pageSizeBytes),
    differs: ({ from, to }) =>
      `pages of ${from.pageSizeBytes! / 1024} KiB on ${from.name}, of ${to.pageSizeBytes! / 1024} KiB on ${to.name}`,
    because:
      "memory is mapped again at the same addresses, which must be multiples of the kernel's page size",
    hint: () => 'choose a host whose kernel has the same page size',
    source: man('man2/mmap.2'),
  },
  {
    where: 'security',
    effect: 'refuse',
    when: ({ from, to, uses }) =>
      differ(from.securityModule, to.securityModule) && (uses?.securityLabels.length ?? 0) > 0,
    differs: ({ from, to }) =>
      `security module ${from.securityModule} on ${from.name}, ${to.securityModule} on ${to.name}`,
    because: ({ uses }) => `criu cannot give back the label ${uses!.securityLabels.join(', ')}`,
    hint: ({ from }) => `choose a host with ${from.securityModule}`,
    source: criuIssue(1267),
  },
  {
    where: 'security',
    effect: 'refuse',
    when: (skew) => missingProfiles(skew).length > 0,
    differs: (skew) => `AppArmor on ${skew.to.name} lacks the profile ${missingProfiles(skew).join(', ')}`,
    because: ({ from }) => `the application runs under it on ${from.name}: can't write lsm profile`,
    hint: ({ from, to }) => `load the profile of ${from.name} on ${to.name}: apparmor_parser -r FILE`,
    source: 'https://github.com/podman-container-tools/podman/issues/12437',
  },
  {
    where: 'cpu',
    effect: 'refuse',
    when: ({ to, uses }) => uses?.shadowStacks === true && to.shadowStacks === false,
    differs: ({ from, to }) => `${to.name} keeps no shadow stacks (user_shstk), ${from.name} does`,
    because: 'a process of the application has one',
    hint: () => 'choose a host that has them, or start it without: GLIBC_TUNABLES',
    source: kernelDocs('arch/x86/shstk'),
  },
  {
    where: 'cpu',
    effect: 'refuse',
    from: { criu: { below: '4.0' } },
    when: ({ uses }) => uses?.shadowStacks === true,
    atDump: true,
    because: 'it cannot dump a process with a shadow stack, which one of the application has',
    hint: updateCriu('from', '4.0'),
    source: criuPull(2306),
  },
  {
    where: 'network',
    effect: 'refuse',
    when: ({ to, uses }) => to.ipv6 === false && (uses?.ipv6Sockets ?? 0) > 0,
    differs: ({ to }) => `the kernel of ${to.name} has IPv6 disabled`,
    because: ({ uses }) => `no socket of it can be made there, and the application has ${uses!.ipv6Sockets}`,
    hint: ({ to }) => `start ${to.name} without ipv6.disable=1, or let the application listen on IPv4 only`,
    source: kernelDocs('networking/ipv6'),
  },
  {
    where: 'cgroup',
    effect: 'warn',
    when: ({ from, to }) => differ(from.cgroupVersion, to.cgroupVersion),
    differs: ({ from, to }) =>
      `cgroup v${from.cgroupVersion} on ${from.name}, v${to.cgroupVersion} on ${to.name}`,
    because: 'limits are set anew from the manifest; a program that has read its cgroup does not hear of it',
    hint: () => 'see that it does not rely on /proc/self/cgroup',
    source: kernelDocs('admin-guide/cgroup-v2'),
  },
];
