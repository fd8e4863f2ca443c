// Values whose shape is right and which still mean nothing: a size of 0, a signal that no kernel knows.
import { constants } from 'node:os';
import { didYouMean } from '../core/near-names.ts';
import { parseCores, parseDurationMs, parseSizeBytes } from '../core/units.ts';
import { capabilities } from './capabilities.ts';
import type { ManifestDocument } from './document.ts';
import { containersOf, type Fields, fieldsOf, itemsOf, textOf } from './loose.ts';
import { type Path, pathText, shown } from './problems.ts';

/** A timer of Node takes no more than 24 days; no probe or stop should take near as long. */
const longestMs = 7 * 24 * 3_600_000;

type Check = (text: string) => readonly [message: string, hint?: string | undefined] | undefined;

/** Adds what is wrong with single values to the document's problems. */
export function checkValues(document: ManifestDocument): void {
  const check = (
    fields: Fields,
    path: Path,
    key: string | number,
    verdict: Check,
    value = fields[key],
  ): void => {
    const text = textOf(value);
    const at = [...path, key];
    if (text === undefined || document.failed(at)) return;
    const wrong = verdict(text);
    if (wrong) document.problem(at, `${pathText(at)} ${wrong[0]}`, wrong[1]);
  };
  const spec = fieldsOf(fieldsOf(document.value).spec);
  check(fieldsOf(spec.network), ['spec', 'network'], 'address', addressVerdict);
  for (const [index, client] of itemsOf(fieldsOf(spec.network).allow).entries())
    check(fieldsOf(client), ['spec', 'network', 'allow', index], 'cidr', cidrVerdict);
  check(fieldsOf(spec.migration), ['spec', 'migration'], 'maxDowntime', positiveDuration);
  check(fieldsOf(spec.checkpoints), ['spec', 'checkpoints'], 'every', rareEnough);
  for (const { fields, path } of containersOf(document.value)) {
    const part = (key: string): [Fields, Path] => [fieldsOf(fields[key]), [...path, key]];
    check(...part('ready'), 'interval', positiveDuration);
    check(...part('ready'), 'timeout', positiveDuration);
    check(...part('resources'), 'cpu', (text) => positive(() => parseCores(text)));
    check(...part('resources'), 'memory', (text) => positive(() => parseSizeBytes(text)));
    check(...part('log'), 'maxSize', (text) => positive(() => parseSizeBytes(text)));
    check(fields, path, 'stopTimeout', shortEnough);
    check(fields, path, 'stopSignal', signalVerdict);
    check(fields, path, 'user', userVerdict);
    for (const direction of ['add', 'drop'] as const) {
      const [changes, pathOfChanges] = part('capabilities');
      for (const [index, item] of itemsOf(changes[direction]).entries()) {
        const verdict = (text: string) => capabilityVerdict(text, direction === 'drop');
        check({}, [...pathOfChanges, direction], index, verdict, item);
      }
    }
    for (const [index, port] of itemsOf(fields.exposedPorts).entries())
      check({}, [...path, 'exposedPorts'], index, portVerdict, port);
    for (const [index, word] of itemsOf(fields.command).entries()) {
      if (index === 0) check({}, [...path, 'command'], 0, programVerdict, word);
    }
  }
}

/** Each stops it for some tenths of a second. */
const rareEnough: Check = (text) => {
  const wrong = shortEnough(text) ?? positiveDuration(text);
  if (wrong) return wrong;
  return parseDurationMs(text) < 1000 ? ['is too often', 'at least 1s'] : undefined;
};

function positive(read: () => number): ReturnType<Check> {
  try {
    if (read() > 0) return undefined;
  } catch {
    // parseCores takes 0 for an error.
  }
  return ['must be more than 0', 'leave it out for no limit'];
}

const shortEnough: Check = (text) =>
  parseDurationMs(text) > longestMs ? ['must be at most 168h (a week)'] : undefined;

const positiveDuration: Check = (text) =>
  parseDurationMs(text) < 1 ? ['must be at least 1ms'] : shortEnough(text);

const addressVerdict: Check = (text) => {
  const numbers = text.split('.').map(Number);
  const canonical = numbers.join('.');
  if (canonical !== text) return ['is written with leading zeros', `write "${canonical}"`];
  const first = numbers[0]!;
  if (first === 0 || first === 127 || first >= 224) {
    return [
      `must be an address that one application can have, and ${text} is none`,
      'leave it out to have one chosen',
    ];
  }
  return undefined;
};

const cidrVerdict: Check = (text) => {
  const canonical = text
    .split(/\b/)
    .map((part) => (/^[0-9]+$/.test(part) ? Number(part) : part))
    .join('');
  return canonical === text ? undefined : ['is written with leading zeros', `write "${canonical}"`];
};

const signalVerdict: Check = (text) => {
  if (Object.hasOwn(constants.signals, text)) return undefined;
  return [`is ${shown(text)}, which is no signal`, didYouMean(text, Object.keys(constants.signals))];
};

const userVerdict: Check = (text) =>
  text.split(':').some((id) => /^[0-9]+$/.test(id) && Number(id) > 2 ** 32 - 2)
    ? ['has an id above 4294967294']
    : undefined;

function capabilityVerdict(text: string, allowed: boolean): ReturnType<Check> {
  const name = text.replace(/^CAP_/, '');
  if (name === 'ALL') return allowed ? undefined : ['may not be ALL', 'name each capability that is needed'];
  if (capabilities.includes(name)) return undefined;
  return [`is ${shown(text)}, which is no capability`, didYouMean(name, capabilities)];
}

const portVerdict: Check = (text) => {
  const port = Number.parseInt(text, 10);
  return port >= 1 && port <= 65535 ? undefined : ['must be a port between 1 and 65535'];
};

const programVerdict: Check = (text) => (text === '' ? ['must name a program, but is empty'] : undefined);
