// A Compose file -> the manifest of an application, and a list of what could not be carried over. A pure function.
import type { ApplicationManifest, Container } from '../../contract/application.ts';
import { apiVersion } from '../../contract/protocol.ts';
import { didYouMean } from '../../core/near-names.ts';
import type { ManifestDocument } from '../document.ts';
import { fieldsOf, itemsOf, textOf } from '../loose.ts';
import type { Path } from '../problems.ts';
import { nameOf } from './compose-quantities.ts';
import { convertService } from './convert-service.ts';
import type { EnvFiles } from './env-file.ts';
import { type Environment, interpolated } from './interpolate.ts';

export interface ConvertOptions {
  /** What ${VARIABLE} stands for. */
  env: Environment;
  envFiles: EnvFiles;
  /** What the application is called where the file does not say it. */
  name: string;
  /** Where it first runs. */
  host: string;
}

export interface Converted {
  manifest: ApplicationManifest;
  /** What was left out or is another way here, in the order of the file. */
  notes: { where: string; message: string }[];
}

/** Keys at the top that are understood, or mean nothing here. */
const known = new Set(['version', 'name', 'services', 'volumes', 'networks']);

export function convertCompose(
  document: ManifestDocument,
  { env, envFiles, name, host }: ConvertOptions,
): Converted {
  const notes: Converted['notes'] = [];
  const note = (path: Path, message: string): void => {
    notes.push({ where: document.where(path), message });
  };
  const unset = new Set<string>();
  const file = fieldsOf(interpolated(document.value, env, (variable) => unset.add(variable)));
  for (const key of Object.keys(file))
    if (!known.has(key) && !key.startsWith('x-')) note([key], `${key} is left out: it has no counterpart`);
  const volumes = new Set<string>();
  const restarts = new Map<string, NonNullable<ApplicationManifest['spec']['restartPolicy']>>();
  const containers: Container[] = [];
  for (const [service, value] of Object.entries(fieldsOf(file.services))) {
    const fields = fieldsOf(value);
    const path = ['services', service];
    if (itemsOf(fields.profiles).length > 0) {
      note([...path, 'profiles'], `${service} is left out: it is only there with a profile`);
      continue;
    }
    const container = convertService(service, fields, {
      env,
      envFiles,
      onUnset: (variable) => void unset.add(variable),
      note: (keys, message) => note([...path, ...keys], `${service}: ${message}`),
      addVolume: (volume) => void volumes.add(volume),
    });
    if (container.name !== service) note(path, `${service} is called ${container.name} here`);
    containers.push(container);
    restarts.set(service, restartOf(fields.restart));
  }
  const policies = [...new Set(restarts.values())];
  // The most insistent of them.
  const restartPolicy = (['Always', 'OnFailure', 'Never'] as const).find((each) => policies.includes(each));
  if (policies.length > 1)
    note(['services'], `services have different restart policies; here all have ${restartPolicy}`);
  for (const [volume, value] of Object.entries(fieldsOf(file.volumes)))
    if (Object.keys(fieldsOf(value)).length > 0)
      note(
        ['volumes', volume],
        `${volume}: its options are left out; it begins empty, or with what the image has`,
      );
  noteNamesOfServices(file, note);
  leaveOutMissing(fieldsOf(file.services), containers, note);
  noteSharedPorts(containers, note);
  for (const variable of unset) note([], `the variable ${variable} is not set: it counts as empty`);
  const manifest: ApplicationManifest = {
    apiVersion,
    kind: 'Application',
    metadata: { name: nameOf(textOf(file.name) ?? name) },
    spec: {
      host,
      containers,
      ...(volumes.size > 0 ? { volumes: [...volumes].map((each) => ({ name: each })) } : {}),
      ...(restartPolicy ? { restartPolicy } : {}),
    },
  };
  return { manifest, notes: notes.sort((a, b) => placeOf(a) - placeOf(b)) };
}

/** file:line:column as one number. */
function placeOf({ where }: { where: string }): number {
  const [, line, column] = /:([0-9]+):([0-9]+)$/.exec(where) ?? [];
  return Number(line) * 1e6 + Number(column);
}

/** Compose restarts nothing unless it is told to. */
function restartOf(value: unknown): NonNullable<ApplicationManifest['spec']['restartPolicy']> {
  const text = textOf(value) ?? 'no';
  if (text === 'always' || text === 'unless-stopped') return 'Always';
  return text.startsWith('on-failure') ? 'OnFailure' : 'Never';
}

/** Services know each other by name, here as under Compose; but a name that no manifest takes has become another one. */
function noteNamesOfServices(
  file: Record<string, unknown>,
  note: (path: Path, message: string) => void,
): void {
  const services = Object.entries(fieldsOf(file.services));
  const names = services.map(([name]) => name).filter((name) => nameOf(name) !== name);
  for (const [service, value] of services) {
    const { environment, command } = fieldsOf(value);
    for (const [key, part] of Object.entries({ environment, command })) {
      const texts = textsOf(part);
      const named = names.filter((name) => name !== service && texts.some((text) => namesHost(text, name)));
      for (const name of named)
        note(
          ['services', service, key],
          `${service}: ${key} speaks of the host ${name}, which is called ${nameOf(name)} here`,
        );
    }
  }
}

/** Compose refuses such a file, and `cmig apply` would refuse what is made of it. */
function leaveOutMissing(
  services: Record<string, unknown>,
  containers: readonly Container[],
  note: (path: Path, message: string) => void,
): void {
  const names = containers.map(({ name }) => name);
  for (const container of containers) {
    const missing = container.dependsOn?.filter((name) => !names.includes(name)) ?? [];
    if (missing.length === 0) continue;
    const service = Object.keys(services).find((key) => nameOf(key) === container.name)!;
    for (const name of missing) {
      const near = didYouMean(name, names);
      note(
        ['services', service, 'depends_on'],
        `${service}: it depends on ${name}, which is not there: left out${near ? `; ${near}` : ''}`,
      );
    }
    const rest = container.dependsOn!.filter((name) => names.includes(name));
    if (rest.length > 0) container.dependsOn = rest;
    else delete container.dependsOn;
  }
}

/** As `NAME=value` where they have names. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return Object.entries(fieldsOf(value)).map(([name, item]) => `${name}=${item}`);
}

/** `db:5432`, `postgres://user@db/app`, `DB_HOST=db`: where a host's name stands; a database may well be called `db`. */
function namesHost(text: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const addressed = new RegExp(`(^|//|@|=|,|[ ])${escaped}:[0-9]+($|[/,;? ])|(//|@)${escaped}($|[/,;? ])`);
  const alone = new RegExp(
    `(HOST|SERVER|ADDR|UR[LI]|ENDPOINT|BROKER|UPSTREAM|NODE|PEER)[A-Z0-9_-]*[= ]${escaped}$`,
    'i',
  );
  return addressed.test(text) || alone.test(text);
}

function noteSharedPorts(
  containers: readonly Container[],
  note: (path: Path, message: string) => void,
): void {
  const owners = new Map<string, string>();
  for (const { name, exposedPorts = [] } of containers)
    for (const port of exposedPorts) {
      const other = owners.get(port);
      if (other)
        note(
          ['services', name],
          `${other} and ${name} both listen on ${port}, and share one network: change one`,
        );
      else owners.set(port, name);
    }
}
