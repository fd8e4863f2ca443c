// One service of a Compose file -> one container, and what of it has no counterpart.
import type { Container, Readiness } from '../../contract/application.ts';
import { didYouMean } from '../../core/near-names.ts';
import { type Fields, fieldsOf, itemsOf, textOf } from '../loose.ts';
import { durationOf, nameOf, shellWords, sizeOf } from './compose-quantities.ts';
import { type EnvFiles, envFilesOf, parseEnvFile } from './env-file.ts';
import type { Environment } from './interpolate.ts';
import { mountsOf } from './service-volumes.ts';

/** Says what was not carried over, or was in another way; `keys` lead from the service to it. */
export type Note = (keys: readonly (string | number)[], message: string) => void;

export interface ServiceContext {
  env: Environment;
  envFiles: EnvFiles;
  /** Told the variables that a file of them asks for and that have no value. */
  onUnset: (variable: string) => void;
  note: Note;
  /** Adds a volume to the application. */
  addVolume: (name: string) => void;
}

/** Keys that have a counterpart, or mean nothing here. */
const known = new Set(
  'image build command entrypoint environment working_dir user cap_add cap_drop read_only stop_signal stop_grace_period expose ports volumes depends_on healthcheck restart deploy mem_limit cpus pids_limit container_name hostname networks links init profiles env_file labels annotations pull_policy'.split(
    ' ',
  ),
);

/** Where it is a slip of a key, what it was to be; `pid` is a key of its own, and no part of `pids_limit`. */
const counterpartOf = (key: string): string =>
  didYouMean(
    key,
    [...known].filter((name) => !name.startsWith(key)),
  ) ?? 'it has no counterpart';

const whyNot: Readonly<Record<string, string>> = {
  networks: 'is left out: the containers of an application share one network',
  links: 'is left out: containers reach each other by their names, at 127.0.0.1',
  network_mode: 'is left out: the application has a network of its own',
  extra_hosts: 'is left out: /etc/hosts is written by the agent',
  privileged: 'is left out: name the capabilities that are needed under capabilities.add',
  devices: 'is left out: what uses a device cannot be moved',
  tmpfs: 'is left out: /dev/shm is the only tmpfs; use a volume',
  secrets: 'is left out: put the files into a volume or the image',
  configs: 'is left out: put the files into a volume or the image',
  tty: 'is left out: a terminal as the main process’s input cannot be moved',
  stdin_open: 'is left out: the main process has no input',
  labels: 'are left out: labels belong to the application',
  hostname: 'is left out: the host name is that of the application',
  scale: 'is left out: every container is there once',
};

export function convertService(name: string, service: Fields, context: ServiceContext): Container {
  const { note } = context;
  for (const key of Object.keys(service)) {
    if (key in whyNot) note([key], `${key} ${whyNot[key]}`);
    else if (!known.has(key) && !key.startsWith('x-'))
      note([key], `${key} is left out: ${counterpartOf(key)}`);
  }
  const limits = limitsOf(service, note);
  const capabilities = capabilitiesOf(service);
  const ports = exposedPortsOf(service, note);
  const volumes = mountsOf(name, service, context);
  const ready = readinessOf(fieldsOf(service.healthcheck), note);
  const dependsOn = dependenciesOf(service.depends_on, note);
  const env = environmentOf(service, context);
  const command = wordsOf(service.entrypoint, (message) => note(['entrypoint'], message));
  const args = wordsOf(service.command, (message) => note(['command'], message));
  const grace = service.stop_grace_period === undefined ? undefined : durationOf(service.stop_grace_period);
  const signal = textOf(service.stop_signal);
  const workingDir = textOf(service.working_dir);
  return {
    name: nameOf(name),
    image: imageOf(name, service, note),
    ...(command && command.length > 0 ? { command } : {}),
    ...(args && args.length > 0 ? { args } : {}),
    ...(env.length > 0 ? { env } : {}),
    ...(workingDir ? { workingDir } : {}),
    ...(service.user === undefined ? {} : { user: String(service.user) }),
    ...(ports.length > 0 ? { exposedPorts: ports } : {}),
    ...(volumes.length > 0 ? { volumes } : {}),
    ...(ready ? { ready } : {}),
    ...(dependsOn.length > 0 ? { dependsOn } : {}),
    ...(Object.keys(limits).length > 0 ? { resources: limits } : {}),
    ...(capabilities ? { capabilities } : {}),
    ...(service.read_only === true ? { readOnlyRootFilesystem: true } : {}),
    ...(signal ? { stopSignal: signal.startsWith('SIG') ? signal : `SIG${signal}` } : {}),
    ...(grace ? { stopTimeout: grace } : {}),
  };
}

function imageOf(name: string, { image, build }: Fields, note: Note): string {
  const text = textOf(image);
  if (build !== undefined)
    note(['build'], 'build is not carried over: build the image with another tool, and name it under image');
  if (text) return `docker://${text}`;
  if (build === undefined) note([], 'has no image: name one');
  return `oci:./images/${nameOf(name)}`;
}

function wordsOf(value: unknown, note: (message: string) => void): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map(String);
  const words = shellWords(String(value));
  if (!words) note('has a quote that is not closed');
  return words;
}

/** What stands under environment wins over the files, and a later file over an earlier one. */
function environmentOf({ environment: value, env_file: files }: Fields, context: ServiceContext) {
  const { env, envFiles, note, onUnset } = context;
  const variables = new Map<string, string>();
  for (const { path, required } of envFilesOf(files)) {
    const text = envFiles.get(path);
    if (text === undefined && required)
      note(['env_file'], `${path} cannot be read: its variables are missing`);
    for (const variable of parseEnvFile(text ?? '', env, onUnset))
      variables.set(variable.name, variable.value);
  }
  const pairs = Array.isArray(value)
    ? value.map((line, index): [string, string | undefined, number | string] => {
        const [, key, text] = /^([^=]*)(?:=([\s\S]*))?$/.exec(String(line)) ?? [];
        return [key ?? '', text, index];
      })
    : Object.entries(fieldsOf(value)).map(([key, item]): [string, string | undefined, number | string] => [
        key,
        item === null ? undefined : String(item),
        key,
      ]);
  for (const [name, given, at] of pairs) {
    const text = given ?? env[name];
    if (text === undefined) note(['environment', at], `${name} has no value here, and is left out`);
    else variables.set(name, text);
  }
  return [...variables].map(([name, text]) => ({ name, value: text }));
}

function exposedPortsOf(service: Fields, note: Note): string[] {
  const ports = new Set<string>();
  for (const each of itemsOf(service.expose)) {
    const [, port, protocol = 'tcp'] = /^([0-9]+)(?:\/(tcp|udp|sctp))?$/.exec(String(each)) ?? [];
    if (port) ports.add(`${port}/${protocol}`);
  }
  for (const [index, each] of itemsOf(service.ports).entries()) {
    const long = fieldsOf(each);
    const text = 'target' in long ? undefined : String(each);
    const [, published, target, protocol] = text
      ? (/^(?:(?:[^/]*:)?([0-9-]*):)?([0-9]+)(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [])
      : [undefined, long.published && String(long.published), String(long.target), textOf(long.protocol)];
    if (!target) {
      note(
        ['ports', index],
        `port ${text} is left out: every port of the application's address can be reached`,
      );
      continue;
    }
    ports.add(`${target}/${protocol ?? 'tcp'}`);
    if (published && published !== target)
      note(
        ['ports', index],
        `it is reached at port ${target} of the application's address, not at ${published}`,
      );
  }
  return [...ports];
}

function limitsOf(service: Fields, note: Note): NonNullable<Container['resources']> {
  const deploy = fieldsOf(service.deploy);
  const given = fieldsOf(fieldsOf(deploy.resources).limits);
  for (const key of Object.keys(deploy))
    if (key !== 'resources') note(['deploy', key], `deploy.${key} is left out: it has no counterpart`);
  const cpu = given.cpus ?? service.cpus;
  const memory = given.memory ?? service.mem_limit;
  const pids = Number(given.pids ?? service.pids_limit ?? 0);
  const size = memory === undefined ? undefined : sizeOf(memory);
  if (memory !== undefined && size === undefined)
    note(
      given.memory === undefined ? ['mem_limit'] : ['deploy', 'resources', 'limits', 'memory'],
      `the memory limit ${memory} is not understood: it is left out`,
    );
  return {
    ...(cpu === undefined || Number(cpu) === 0 ? {} : { cpu: String(cpu) }),
    ...(size === undefined ? {} : { memory: size }),
    ...(pids > 0 ? { pids } : {}),
  };
}

function capabilitiesOf({ cap_add, cap_drop }: Fields): Container['capabilities'] {
  const [add, drop] = [cap_add, cap_drop].map((list) =>
    itemsOf(list).map((each) => String(each).toUpperCase()),
  );
  if (add!.length + drop!.length === 0) return undefined;
  return { ...(add!.length > 0 ? { add: add! } : {}), ...(drop!.length > 0 ? { drop: drop! } : {}) };
}

function dependenciesOf(value: unknown, note: Note): string[] {
  if (Array.isArray(value)) return value.map((name) => nameOf(String(name)));
  return Object.entries(fieldsOf(value)).flatMap(([name, how]) => {
    if (fieldsOf(how).condition !== 'service_completed_successfully') return [nameOf(name)];
    note(
      ['depends_on', name],
      `waiting for the end of ${name} is left out: a container waits until others are ready`,
    );
    return [];
  });
}

/** What says that a service is healthy says here that it is ready. */
function readinessOf(check: Fields, note: Note): Readiness | undefined {
  const { test, interval, timeout, retries, start_period: startPeriod } = check;
  if (test === undefined || check.disable === true) return undefined;
  const words = Array.isArray(test) ? test.map(String) : ['CMD-SHELL', String(test)];
  const [how, ...command] = words;
  if (how === 'NONE') return undefined;
  const exec = how === 'CMD-SHELL' ? ['/bin/sh', '-c', command.join(' ')] : how === 'CMD' ? command : words;
  if (exec.length === 0) return undefined;
  note(['healthcheck'], 'the health check says when it is ready; nothing is restarted because of it');
  const every = durationOf(interval ?? '30s');
  const ms = (value: unknown, otherwise: string): number => {
    const text = durationOf(value ?? otherwise) ?? otherwise;
    return Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000);
  };
  const patience = ms(startPeriod, '0s') + Number(retries ?? 3) * (ms(interval, '30s') + ms(timeout, '30s'));
  return {
    exec,
    ...(interval === undefined || !every ? {} : { interval: every }),
    timeout: `${Math.max(1, Math.round(patience / 1000))}s`,
  };
}
