// What any machine is and has, as scripts/host/look-machine.sh tells it.
import { levelOf } from '../../contract/cpu-baseline.ts';
import { CmigError } from '../../core/errors.ts';

export interface MachineFacts {
  isRoot: boolean;
  distribution: { id: string; like: string[]; name: string };
  kernel: string;
  architecture: string;
  cpuFlags: string[];
  cores: number;
  memoryBytes: number;
  init: 'systemd' | 'script';
  /** Folder: bytes that are free in its file system. */
  freeBytes: Record<string, number>;
  /** Program: its path. */
  programs: Record<string, string>;
  /** Path: what is there. */
  files: Record<string, { mode: string; sha256: string; owner?: string }>;
}

/** The lines of an answer. */
export interface Told {
  /** Empty where nothing was told. */
  get(key: string): string;
  has(key: string): boolean;
  words(key: string): string[];
  /** Undefined where nothing was told. */
  decoded(key: string): string | undefined;
  /** Of `group.NAME=value`: by name. */
  group(group: string): Record<string, string>;
}

/** @throws CmigError `failed` where the answer was cut off */
export function readTold(text: string): Told {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^([^=]+)=(.*)$/.exec(line) ?? [];
    if (key) values.set(key, value);
  }
  if (!values.has('end'))
    throw new CmigError('failed', 'the machine did not tell all of itself: its answer was cut off');
  const get = (key: string): string => values.get(key) ?? '';
  return {
    get,
    has: (key) => values.has(key),
    words: (key) => get(key).split(/\s+/).filter(Boolean),
    decoded: (key) => (get(key) ? Buffer.from(get(key), 'base64').toString('utf8') : undefined),
    group: (group) =>
      Object.fromEntries(
        [...values]
          .filter(([key]) => key.startsWith(`${group}.`))
          .map(([key, value]) => [key.slice(group.length + 1), value]),
      ),
  };
}

export function machineFacts({ get, words, group }: Told): MachineFacts {
  return {
    isRoot: get('uid') === '0',
    distribution: { id: get('distribution'), like: words('like'), name: get('system') },
    kernel: get('kernel'),
    architecture: get('architecture'),
    cpuFlags: words('flags'),
    cores: Number(get('cores')),
    memoryBytes: Number(get('memory')) * 1024,
    init: get('init') === 'systemd' ? 'systemd' : 'script',
    freeBytes: mapValues(group('free'), (kilobytes) => Number(kilobytes) * 1024),
    programs: group('program'),
    files: mapValues(group('file'), (told) => {
      const [mode = '', sha256 = '', owner] = told.split(' ');
      return { mode, sha256, ...(owner === undefined ? {} : { owner }) };
    }),
  };
}

const mapValues = <T>(record: Record<string, string>, map: (value: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

/** The architecture, for x86-64 with its level. */
export const describeCpu = ({
  architecture,
  cpuFlags,
}: Pick<MachineFacts, 'architecture' | 'cpuFlags'>): string =>
  architecture === 'x86_64' ? levelOf(cpuFlags) : architecture;
