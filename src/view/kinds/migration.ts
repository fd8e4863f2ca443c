// How migrations are listed and described.
import type { Migration } from '../../contract/migration.ts';
import type { Field } from '../description.ts';
import { formatAgeOf, formatBytes, formatDuration } from '../formats.ts';
import type { KindView } from './kind-view.ts';

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
    { header: 'JOURNAL', value: (item) => `${item.status.host} (${item.status.role})` },
  ],
  describe,
};

function describe(item: Migration): Field[] {
  const { spec, status } = item;
  return [
    ['Name', item.metadata.name],
    ['Application', spec.application],
    ['From', spec.from],
    ['To', spec.to],
    ['Strategy', spec.strategy],
    ['Epoch', String(spec.epoch)],
    ['Outcome', status.outcome ?? '<not yet>'],
    ['State', `${status.state} (by the journal of the ${status.role} ${status.host})`],
    [
      'Awaits',
      status.awaits && `${status.awaits}${status.awaitsUntil ? ` until ${status.awaitsUntil}` : ''}`,
    ],
    ['Started', status.startedAt],
    ['Ended', status.endedAt],
    ['Frozen', frozen(item) || undefined],
    ['Connections', status.connections?.toString()],
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
        ['Output', status.error.tool?.output],
      ],
    ],
  ];
}
