// What a person does next about a migration.
import type { Migration } from '../contract/migration.ts';

/** A command line, and what it is for. */
export interface NextCommand {
  command: string;
  /** Ends the sentence "to …". */
  purpose: string;
}

export function nextCommand(
  { metadata, spec, status }: Migration,
  now = Date.now(),
): NextCommand | undefined {
  const { application, from, to } = spec;
  const other = status.role === 'source' ? to : from;
  if (status.resolvableFrom && !status.resolved) {
    if (Date.parse(status.resolvableFrom) > now || !isSilent(status, other)) {
      return { command: `cmig get host ${other}`, purpose: `see whether ${other} is there` };
    }
    return {
      command: `cmig migration resolve ${metadata.name} --to ${status.role}`,
      purpose: `have ${application} run on ${status.host}, if ${other} is lost for good`,
    };
  }
  if (status.outcome === 'rolled-back' && status.error) {
    return { command: `cmig migrate ${application} ${to}`, purpose: 'try again' };
  }
  if (!status.outcome) {
    return { command: `cmig events -w --for migration/${metadata.name}`, purpose: 'follow it' };
  }
  return undefined;
}

const isSilent = ({ journals }: Migration['status'], host: string): boolean => !journals?.includes(host);
