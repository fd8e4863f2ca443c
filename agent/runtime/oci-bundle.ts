// config.json of an OCI bundle (runtime-spec 1.0.2), a pure function of what is asked for. Safe by default, as Docker is.
import type { Container } from '../../src/contract/application.ts';
import type { Baseline } from '../../src/contract/cpu-baseline.ts';
import { completeContainer } from '../../src/contract/defaults.ts';
import { CmigError } from '../../src/core/errors.ts';
import { parseCores, parseSizeBytes } from '../../src/core/units.ts';
import { holdToBaseline } from '../cpu/baseline-environment.ts';
import { emulatorPath } from '../cpu/emulator.ts';
import { seccompProfile } from './seccomp-profile.ts';

/** How a container's program is run by QEMU. */
export interface Emulation {
  /** QEMU's own, on this host. */
  program: string;
  /** Of the whole command. */
  args: string[];
  /** Goes along with the program. */
  variable: { name: string; value: string };
}

export interface BundleRequest {
  application: string;
  container: Container;
  /** What its programs are held to. */
  baseline?: Baseline | undefined;
  emulation?: Emulation | undefined;
  /** Absolute; the overlay's mount point. */
  rootfs: string;
  networkNamespace: string;
  /** Below the host's parent, such as /cmig/shop/db. */
  cgroupsPath: string;
  criuConfigFile: string;
  /** Where a volume of the application stands on this host. */
  volumePath: (name: string) => string;
  /** Files of the host that show as /etc/hosts and /etc/resolv.conf. */
  etc: { hosts: string; resolvConf: string };
  /** What this machine's kernel knows; the profile is left out where runc has no seccomp. */
  seccomp: boolean;
  architecture?: string;
}

/** Docker's fourteen. */
export const defaultCapabilities = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** null, zero, full, random, urandom, tty, ptmx and pseudo-terminals; making any node is harmless, using it is not. */
const deviceRules = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
  ].map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** The capabilities a container gets: Docker's, changed as its manifest says. @throws CmigError `invalid` */
export function capabilitiesOf(container: Container): string[] {
  const full = (name: string): string => (name.startsWith('CAP_') ? name : `CAP_${name}`);
  const { add = [], drop = [] } = container.capabilities ?? {};
  if (add.includes('ALL'))
    throw new CmigError('invalid', `${container.name}: not all capabilities can be added at once`, {
      hint: 'name the ones that are needed',
    });
  const dropped = new Set(drop.map(full));
  const kept = drop.includes('ALL') ? [] : defaultCapabilities.filter((name) => !dropped.has(name));
  return [...new Set([...kept, ...add.map(full)])].sort();
}

const cpuPeriodMicroseconds = 100_000;
const shmBytes = 64 * 1024 * 1024;

/** runc translates these for cgroup v1 and v2 alike. */
function resourcesOf(container: Container): Record<string, unknown> {
  const { cpu, memory, pids } = container.resources ?? {};
  const bytes = memory === undefined ? undefined : parseSizeBytes(memory);
  return {
    devices: deviceRules,
    ...(cpu === undefined
      ? {}
      : {
          cpu: {
            quota: Math.max(1000, Math.round(parseCores(cpu) * cpuPeriodMicroseconds)),
            period: cpuPeriodMicroseconds,
          },
        }),
    // No swap beyond it: a container that swaps cannot be frozen in bounded time.
    ...(bytes === undefined ? {} : { memory: { limit: bytes, swap: bytes } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

function mountsOf(request: BundleRequest): Record<string, unknown>[] {
  const { volumes } = completeContainer(request.container);
  // What its program started would run without the emulator: nothing but that can be started.
  const noExec = request.emulation ? ['noexec'] : [];
  const bind = (destination: string, source: string, readOnly: boolean) => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw', ...noExec],
  });
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k', ...noExec],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/dev/mqueue',
      type: 'mqueue',
      source: 'mqueue',
      options: ['nosuid', 'noexec', 'nodev'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes}`],
    },
    ...(request.emulation
      ? [
          {
            destination: emulatorPath,
            type: 'bind',
            source: request.emulation.program,
            options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'],
          },
        ]
      : []),
    bind('/etc/hosts', request.etc.hosts, true),
    bind('/etc/resolv.conf', request.etc.resolvConf, true),
    // Outer mount points before inner ones.
    ...[...volumes]
      .sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1))
      .map((volume) => bind(volume.mountPath, request.volumePath(volume.name), volume.readOnly)),
  ];
}

/** An orchestrator has looked into the image before it asked for anything. @throws CmigError `invalid` */
export function checkWhatRuns(container: Container): void {
  const { command, user } = completeContainer(container);
  const hint = 'cmig apply takes it from the image';
  if (!command[0]) throw new CmigError('invalid', `${container.name}: there is no command to run`, { hint });
  if (!/^[0-9]+:[0-9]+$/.test(user))
    throw new CmigError(
      'invalid',
      `${container.name}: the user ${JSON.stringify(user)} is not given by numbers`,
      {
        hint,
      },
    );
}

/** The whole config.json as a value. @throws CmigError `invalid` where a quantity or a capability is wrong */
export function ociBundle(request: BundleRequest): Record<string, unknown> {
  const container = completeContainer(request.container);
  const capabilities = capabilitiesOf(request.container);
  checkWhatRuns(request.container);
  const [uid, gid] = container.user.split(':').map(Number);
  const profile = request.seccomp ? seccompProfile(capabilities, request.architecture) : undefined;
  return {
    ociVersion: '1.0.2',
    hostname: request.application,
    root: { path: request.rootfs, readonly: container.readOnlyRootFilesystem },
    process: {
      terminal: false,
      user: { uid, gid, ...(container.groups ? { additionalGids: container.groups } : {}) },
      args: request.emulation?.args ?? container.command,
      env: environmentOf(
        [
          ...(request.baseline ? holdToBaseline(container.env, request.baseline) : container.env),
          ...(request.emulation ? [request.emulation.variable] : []),
        ],
        request.application,
      ),
      cwd: container.workingDir,
      // Ambient ones for a user other than 0 only, as Docker: none.
      capabilities: {
        bounding: capabilities,
        effective: uid === 0 ? capabilities : [],
        permitted: uid === 0 ? capabilities : [],
      },
      noNewPrivileges: true,
    },
    mounts: mountsOf(request),
    annotations: { 'org.criu.config': request.criuConfigFile },
    linux: {
      cgroupsPath: request.cgroupsPath,
      resources: resourcesOf(request.container),
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'network', path: request.networkNamespace },
      ],
      maskedPaths,
      readonlyPaths,
      ...(profile ? { seccomp: profile } : {}),
    },
  };
}

function environmentOf(env: readonly { name: string; value: string }[], application: string): string[] {
  const own = env.map(({ name, value }) => `${name}=${value}`);
  return env.some(({ name }) => name === 'HOSTNAME') ? own : [`HOSTNAME=${application}`, ...own];
}
