// How a checkpoint or a restore went, in one sentence.
import type { Checkpoint, RestoreResult } from '../contract/checkpoint.ts';
import { formatBytes, formatCount, formatDuration } from './formats.ts';

/** `checkpoint/c-1 of shop taken on host-a: frozen for 0.41 s, 2 connections kept, 24 MiB on disk (20 MiB shared)`. */
export function checkpointText({ metadata, spec, status }: Checkpoint, stopped: boolean): string {
  const shared = status.sizeBytes - status.ownBytes;
  const then = stopped
    ? 'stopped afterwards'
    : `frozen for ${formatDuration(status.frozenMs)}, ${formatCount(status.connections, 'connection')} kept`;
  return `checkpoint/${metadata.name} of ${spec.application} taken on ${status.host}: ${then}, ${formatBytes(status.sizeBytes)} on disk${shared > 0 ? ` (${formatBytes(shared)} shared)` : ''}`;
}

/** `shop restored from c-1 on host-a: 2 connections with peers outside closed; what ran before is kept as c-2`. */
export function restoreText(result: RestoreResult): string {
  const { application, checkpoint, host, closedConnections, frozenMs, kept } = result;
  const parts = [
    ...(frozenMs > 0 ? [`away for ${formatDuration(frozenMs)}`] : []),
    ...(closedConnections > 0
      ? [`${formatCount(closedConnections, 'connection')} with peers outside closed`]
      : []),
    ...(kept ? [`what ran before is kept as ${kept}`] : []),
  ];
  return `application/${application} restored from ${checkpoint} on ${host}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}
