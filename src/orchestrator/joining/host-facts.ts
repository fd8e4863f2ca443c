// What a machine is and has, as scripts/host/look.sh tells it.
import { levelOf } from '../../contract/cpu-baseline.ts';
import { CmigError } from '../../core/errors.ts';

export interface HostFacts {
  isRoot: boolean;
  distribution: { id: string; like: string[]; name: string };
  kernel: string;
  architecture: string;
  cpuFlags: string[];
  cores: number;
  memoryBytes: number;
  cgroupVersion: number;
  init: 'systemd' | 'script';
  /** Folder: bytes that are free in its file system. */
  freeBytes: Record<string, number>;
  /** Program: its path. */
  programs: Record<string, string>;
  criu?: string;
  runc?: string;
  /** What stands in the private prefix has dumped and restored a container on this kernel. */
  criuTested: boolean;
  /** An installation of packages was begun and not ended. */
  packagesPending: boolean;
  sshd: { includes: boolean; authorizedKeys: string[]; pidFile?: string };
  /** File of the public key: `type key`. */
  hostKeys: Record<string, string>;
  pipeMaxBytes: number;
  /** Path: what is there. */
  files: Record<string, { mode: string; sha256: string }>;
  /** Until when its certificate is valid. */
  certificateUntil?: Date;
  /** The agent's configuration, as it is there. */
  configuration?: string;
  /** `host add` has been here. */
  isAdded: boolean;
  /** `host remove` has found nothing on it any more, and was cut off. */
  isLeaving: boolean;
  isEnabled: boolean;
  isRunning: boolean;
}

/** @throws CmigError `failed` where the answer was cut off */
export function parseFacts(text: string): HostFacts {
  const values = new Map<string, string>();
  const groups: Record<'free' | 'program' | 'hostKey' | 'file', Record<string, string>> = {
    free: {},
    program: {},
    hostKey: {},
    file: {},
  };
  for (const line of text.split('\n')) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(line) ?? [];
    const [, group, name = ''] = /^(free|program|hostKey|file)\.(.*)$/.exec(key) ?? [];
    if (group) groups[group as keyof typeof groups][name] = value;
    else if (key) values.set(key, value);
  }
  if (!values.has('end'))
    throw new CmigError('failed', 'the machine did not tell all of itself: its answer was cut off');
  const get = (key: string): string => values.get(key) ?? '';
  const words = (key: string): string[] => get(key).split(/\s+/).filter(Boolean);
  return {
    isRoot: get('uid') === '0',
    distribution: { id: get('distribution'), like: words('like'), name: get('system') },
    kernel: get('kernel'),
    architecture: get('architecture'),
    cpuFlags: words('flags'),
    cores: Number(get('cores')),
    memoryBytes: Number(get('memory')) * 1024,
    cgroupVersion: Number(get('cgroup')),
    init: get('init') === 'systemd' ? 'systemd' : 'script',
    freeBytes: mapValues(groups.free, (kilobytes) => Number(kilobytes) * 1024),
    programs: groups.program,
    ...(get('criu') ? { criu: get('criu') } : {}),
    ...(get('runc') ? { runc: get('runc') } : {}),
    criuTested: values.has('tested'),
    packagesPending: values.has('pending'),
    sshd: {
      includes: values.has('sshdIncludes'),
      authorizedKeys: words('authorizedKeys'),
      ...(get('sshdPid') ? { pidFile: get('sshdPid') } : {}),
    },
    hostKeys: groups.hostKey,
    pipeMaxBytes: Number(get('pipes')),
    files: mapValues(groups.file, (told) => {
      const [mode = '', sha256 = ''] = told.split(' ');
      return { mode, sha256 };
    }),
    ...(get('certificateUntil') ? { certificateUntil: new Date(get('certificateUntil')) } : {}),
    ...(get('configuration')
      ? { configuration: Buffer.from(get('configuration'), 'base64').toString('utf8') }
      : {}),
    isAdded: values.has('added'),
    isLeaving: values.has('leaving'),
    isEnabled: values.has('enabled'),
    isRunning: values.has('running'),
  };
}

const mapValues = <T>(record: Record<string, string>, map: (value: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

/** The architecture, for x86-64 with its level. */
export function describeCpu({ architecture, cpuFlags }: HostFacts): string {
  return architecture === 'x86_64' ? levelOf(cpuFlags) : architecture;
}
