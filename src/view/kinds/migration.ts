// How migrations are listed and described.
import type { Fault } from '../../contract/fault.ts';
import type { Migration } from '../../contract/migration.ts';
import type { Field } from '../description.ts';
import { formatAgeOf, formatBytes, formatDuration } from '../formats.ts';
import { nextCommand } from '../migration-next.ts';
import { formatLabels, type KindView } from './kind-view.ts';

const totalBytes = ({ status }: Migration): string =>
  status.bytes ? formatBytes(status.bytes.presync + status.bytes.files + status.bytes.memory) : '';

const frozen = ({ status }: Migration): string =>
  status.frozenMs === undefined ? '' : formatDuration(status.frozenMs);

export const migrationView: KindView<Migration> = {
  kind: 'Migration',
  singular: 'migration',
  plural: 'migrations',
  shortNames: ['mig', 'migs'],
  columns: [
    { header: 'NAME', value: (item) => item.metadata.name },
    { header: 'APPLICATION', value: (item) => item.spec.application },
    { header: 'FROM', value: (item) => item.spec.from },
    { header: 'TO', value: (item) => item.spec.to },
    { header: 'STATUS', value: (item) => item.status.outcome ?? item.status.state },
    { header: 'FROZEN', value: frozen },
    { header: 'BYTES', value: totalBytes },
    { header: 'AGE', value: (item) => formatAgeOf(item.status.startedAt) },
  ],
  wideColumns: [
    { header: 'STRATEGY', value: (item) => item.spec.strategy },
    { header: 'EPOCH', value: (item) => String(item.spec.epoch) },
    { header: 'CONNECTIONS', value: (item) => item.status.connections?.toString() ?? '' },
    { header: 'ANSWERED', value: ({ status }) => (status.journals ?? [status.host]).join(',') },
    { header: 'LABELS', value: (item) => formatLabels(item.metadata.labels) },
  ],
  describe,
};

function awaited({ status }: Migration): string | undefined {
  const { awaits, awaitsUntil, resolvableFrom } = status;
  if (!awaits) return undefined;
  if (awaitsUntil) return `${awaits} (until ${awaitsUntil})`;
  return `${awaits} (for as long as it takes${resolvableFrom ? `, or until a person says so, from ${resolvableFrom} on` : ''})`;
}

/** The program whose failure is at the bottom of it, what it said, and what was made of that on the way. */
function toolOf(error: Fault): Field[] {
  const causes: Fault[] = [];
  for (let cause = error.cause; cause; cause = cause.cause) causes.push(cause);
  const tool = [error, ...causes].find((each) => each.tool)?.tool;
  const because = causes.map(({ message }) => message).filter((message) => message !== error.message);
  return [
    ['Because', because.length > 0 ? because : undefined],
    ['Command', tool?.argv.join(' ')],
    ['Exit code', tool?.exitCode?.toString()],
    ['Output', tool?.output],
  ];
}

function describe(item: Migration): Field[] {
  const { spec, status } = item;
  const next = nextCommand(item);
  return [
    ['Name', item.metadata.name],
    ['Application', spec.application],
    ['From', spec.from],
    ['To', spec.to],
    ['Strategy', spec.strategy],
    ['Epoch', String(spec.epoch)],
    ['Outcome', status.outcome ?? '<not yet>'],
    ['State', `${status.state} (by the journal of the ${status.role} ${status.host})`],
    ['Answered', (status.journals ?? [status.host]).join(', ')],
    ['Awaits', awaited(item)],
    [
      'Resolved',
      status.resolved && `to the ${status.resolved.to} by ${status.resolved.by} at ${status.resolved.at}`,
    ],
    ['Next', next && `${next.command}   (to ${next.purpose})`],
    ['Started', status.startedAt],
    ['Ended', status.endedAt],
    ['Frozen', frozen(item) || undefined],
    ['Connections', status.connections?.toString()],
    ['Steps', status.history?.map(({ state, at, host }): Field => [at, `${state} (${host})`])],
    [
      'Phases',
      status.phases && Object.entries(status.phases).map(([name, ms]): Field => [name, formatDuration(ms)]),
    ],
    [
      'Bytes',
      status.bytes && Object.entries(status.bytes).map(([name, size]): Field => [name, formatBytes(size)]),
    ],
    [
      'Error',
      status.error && [
        ['Code', status.error.code],
        ['Message', status.error.message],
        ['Hint', status.error.hint],
        ['Host', status.error.host],
        ['Problems', status.error.problems?.map(({ message }) => message)],
        ...toolOf(status.error as Fault),
      ],
    ],
  ];
}
