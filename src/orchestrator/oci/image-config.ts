// What an image's configuration adds to a container whose manifest does not say it: Docker's rules, as a pure function.
import { constants } from 'node:os';
import { posix } from 'node:path';
import type { ApplicationManifest, Container } from '../../contract/application.ts';
import { CmigError } from '../../core/errors.ts';
import { type AccountFiles, findAccount } from './accounts.ts';

/** `config` of an image's configuration, as of the OCI image-spec; Docker's is the same. */
export interface ImageConfig {
  User?: string;
  ExposedPorts?: Record<string, unknown> | null;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, unknown> | null;
  WorkingDir?: string;
  StopSignal?: string;
}

export interface ConfiguredImage {
  config: ImageConfig;
  accounts: AccountFiles;
}

type Volume = NonNullable<ApplicationManifest['spec']['volumes']>[number];

export interface ConfiguredContainer {
  container: Container;
  /** Volumes that the image asks for and the manifest does not have. */
  volumes: Volume[];
  /** What of the image could not be followed. */
  notes: string[];
}

/**
 * The container with everything said: program, user as numbers, environment, directory, volumes.
 * @param taken names of the application's volumes
 * @throws CmigError `invalid` where nothing says what to run, or the image does not know the user
 */
export function configureContainer(
  container: Container,
  { config, accounts }: ConfiguredImage,
  taken: ReadonlySet<string>,
): ConfiguredContainer {
  const { args: _, command: __, ...rest } = container;
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(`container ${container.name}: ${text}`);
  const env = environmentOf(container, config, note);
  const workingDir = container.workingDir ?? absolute(config.WorkingDir);
  const stopSignal = container.stopSignal ?? signalOf(config.StopSignal, note);
  const exposedPorts = container.exposedPorts ?? portsOf(config.ExposedPorts);
  const volumes = volumesOf(container, config, taken);
  const mounts = [...(container.volumes ?? []), ...volumes];
  return {
    container: {
      ...rest,
      command: commandOf(container, config),
      ...accountOf(container, config, accounts),
      ...(env.length > 0 ? { env } : {}),
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(stopSignal === undefined ? {} : { stopSignal }),
      ...(exposedPorts.length > 0 ? { exposedPorts } : {}),
      ...(mounts.length > 0 ? { volumes: mounts } : {}),
    },
    volumes: volumes.map(({ name }) => ({ name })),
    notes,
  };
}

/** A command of the manifest stands for the image's entrypoint and command both; arguments, for its command alone. */
function commandOf({ name, command, args }: Container, { Entrypoint, Cmd }: ImageConfig): string[] {
  const words = command ? [...command, ...(args ?? [])] : [...(Entrypoint ?? []), ...(args ?? Cmd ?? [])];
  if (words[0]) return words;
  throw new CmigError('invalid', `nothing says what container ${name} is to run`, {
    hint: 'its image has neither an entrypoint nor a command: give a command in the manifest',
  });
}

function accountOf(container: Container, { User }: ImageConfig, files: AccountFiles) {
  const { name, user } = container;
  // A manifest's number alone means uid:uid, whatever the image says of it.
  if (user !== undefined && /^[0-9]+(:[0-9]+)?$/.test(user)) return {};
  if (user === undefined && !User) return {};
  try {
    const { uid, gid, groups } = findAccount(user ?? User!, files);
    return {
      user: `${uid}:${gid}`,
      ...(container.groups === undefined && groups.length > 0 ? { groups } : {}),
    };
  } catch (error) {
    if (!(error instanceof CmigError)) throw error;
    throw new CmigError(error.code, `container ${name}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
}

function environmentOf(container: Container, { Env }: ImageConfig, note: (text: string) => void) {
  const own = container.env ?? [];
  const values = new Map<string, string>();
  for (const line of Env ?? []) {
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) values.set(name, equals < 0 ? '' : line.slice(equals + 1));
    else note(`the image's variable ${JSON.stringify(name)} is left out: it is no name of a variable`);
  }
  for (const { name } of own) values.delete(name);
  return [...[...values].map(([name, value]) => ({ name, value })), ...own];
}

function absolute(path: string | undefined): string | undefined {
  if (!path) return undefined;
  return posix
    .normalize(`/${path}`)
    .replace(/(?<=.)\/$/, '')
    .replace(/^\/+/, '/');
}

function signalOf(text: string | undefined, note: (text: string) => void): string | undefined {
  if (!text) return undefined;
  const number = /^[0-9]+$/.test(text) ? Number(text) : undefined;
  const name =
    number === undefined
      ? `SIG${text.toUpperCase().replace(/^SIG/, '')}`
      : Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  if (name !== undefined && Object.hasOwn(constants.signals, name)) return name;
  note(`the image's stop signal ${JSON.stringify(text)} is left out: it is not known here`);
  return undefined;
}

const portsOf = (ports: ImageConfig['ExposedPorts']): string[] =>
  Object.keys(ports ?? {})
    .map((port) => (port.includes('/') ? port.toLowerCase() : `${port}/tcp`))
    .filter((port) => /^[0-9]{1,5}\/(tcp|udp|sctp)$/.test(port))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));

/** One volume for each path that the image names and the manifest does not mount; it survives a new container. */
function volumesOf(container: Container, { Volumes }: ImageConfig, taken: ReadonlySet<string>) {
  const mounted = new Set((container.volumes ?? []).map(({ mountPath }) => absolute(mountPath)));
  const names = new Set(taken);
  return Object.keys(Volumes ?? {})
    .map((path) => absolute(path)!)
    .filter((path) => path !== undefined && path !== '/' && !/^\/(proc|sys|dev)(\/|$)/.test(path))
    .filter((path, index, all) => !mounted.has(path) && all.indexOf(path) === index)
    .sort()
    .map((mountPath) => {
      const name = freeName(`${container.name}${mountPath}`, names);
      names.add(name);
      return { name, mountPath };
    });
}

const longestName = 63;

function freeName(text: string, taken: ReadonlySet<string>): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longestName)
    .replace(/-+$/, '');
  for (let number = 1; ; number++) {
    const ending = number === 1 ? '' : `-${number}`;
    const name = `${slug.slice(0, longestName - ending.length)}${ending}`;
    if (!taken.has(name)) return name;
  }
}
