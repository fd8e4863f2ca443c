// How checkpoints are listed and described.
import type { Checkpoint, CheckpointSocket } from '../../contract/checkpoint.ts';
import type { Field } from '../description.ts';
import { formatAgeOf, formatBytes, formatDuration } from '../formats.ts';
import { formatLabels, type KindView } from './kind-view.ts';

export const checkpointView: KindView<Checkpoint> = {
  kind: 'Checkpoint',
  singular: 'checkpoint',
  plural: 'checkpoints',
  shortNames: ['ckpt', 'ckpts'],
  columns: [
    { header: 'NAME', value: (item) => item.metadata.name },
    { header: 'APPLICATION', value: (item) => item.spec.application },
    { header: 'HOST', value: (item) => item.status.host },
    { header: 'SIZE', value: ({ status }) => formatBytes(status.sizeBytes) },
    { header: 'SHARED', value: ({ status }) => formatBytes(status.sizeBytes - status.ownBytes) },
    { header: 'OWN', value: ({ status }) => formatBytes(status.ownBytes) },
    { header: 'FROZEN', value: ({ status }) => formatDuration(status.frozenMs) },
    { header: 'REASON', value: (item) => item.spec.reason },
    { header: 'AGE', value: (item) => formatAgeOf(item.status.createdAt) },
  ],
  wideColumns: [
    { header: 'TAKEN ON', value: (item) => item.status.takenOn },
    { header: 'PREVIOUS', value: (item) => item.spec.previous ?? '' },
    { header: 'MEMORY', value: ({ status }) => formatBytes(status.memoryBytes) },
    {
      header: 'OWN MEMORY',
      value: ({ status }) => formatBytes(status.ownMemoryBytes ?? status.memoryBytes),
    },
    { header: 'MEMORY SINCE', value: ({ spec }) => spec.memorySince ?? '' },
    { header: 'FILES', value: ({ status }) => String(status.files) },
    { header: 'CONNECTIONS', value: ({ status }) => String(status.connections) },
    { header: 'EPOCH', value: ({ status }) => String(status.epoch) },
    { header: 'LABELS', value: ({ metadata }) => formatLabels(metadata.labels) },
  ],
  describe,
};

function describe({ metadata, spec, status }: Checkpoint): Field[] {
  const containers = [...new Set(status.processes.map(({ container }) => container))];
  return [
    ['Name', metadata.name],
    ['Application', spec.application],
    ['Reason', spec.reason],
    ['Host', status.host],
    ['Taken on', status.takenOn],
    ['Taken', `${status.createdAt} (${formatAgeOf(status.createdAt)} ago)`],
    ['Previous', spec.previous],
    ['Restored from', spec.restoredFrom],
    ['Epoch', String(status.epoch)],
    ['Address', status.address],
    ['Frozen', formatDuration(status.frozenMs)],
    ['Connections', `${status.connections} with peers outside, which a restore closes`],
    ['Memory', wordsOfMemory(spec, status)],
    ['Files', `${status.files}, ${formatBytes(status.fileBytes)}`],
    [
      'On disk',
      `${formatBytes(status.sizeBytes)}, ${formatBytes(status.ownBytes)} of it not shared with another checkpoint`,
    ],
    ['Needs', `${status.architecture}, criu ${status.criu}, taken under kernel ${status.kernel}`],
    ['Images', Object.entries(status.images).map(([name, digest]): Field => [name, digest])],
    [
      'Processes',
      containers.map(
        (name): Field => [
          name,
          status.processes
            .filter(({ container }) => container === name)
            .map(({ pid, command, memoryBytes }) => `${pid}  ${formatBytes(memoryBytes)}  ${command}`),
        ],
      ),
    ],
    [
      'Sockets',
      containers.map(
        (name): Field => [
          name,
          status.sockets.filter(({ container }) => container === name).map(wordsOfSocket),
        ],
      ),
    ],
  ];
}

function wordsOfMemory(
  { memorySince }: Checkpoint['spec'],
  { memoryBytes, ownMemoryBytes = memoryBytes, memoryTracked }: Checkpoint['status'],
): string {
  const why = memoryTracked === false ? ', as the kernel does not tell what is written to' : '';
  const dumped = memorySince ? `what was written to since ${memorySince}` : `all of it${why}`;
  return `${formatBytes(memoryBytes)}, ${formatBytes(ownMemoryBytes)} of it not shared with another checkpoint; dumped: ${dumped}`;
}

function wordsOfSocket({ protocol, state, local, peer, ...queues }: CheckpointSocket): string {
  const { sendQueueBytes, receiveQueueBytes } = queues;
  const waiting = [
    sendQueueBytes > 0 ? `${formatBytes(sendQueueBytes)} to be acknowledged` : '',
    receiveQueueBytes > 0 ? `${formatBytes(receiveQueueBytes)} to be read` : '',
  ].filter(Boolean);
  const ends = peer ? `${local} -> ${peer}` : local;
  return `${protocol.padEnd(4)}  ${state.padEnd(11)}  ${ends}${waiting.length > 0 ? `  (${waiting.join(', ')})` : ''}`;
}
