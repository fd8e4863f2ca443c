// One step of a long operation in words: `transfer: 24 MiB of 64 MiB, 48 MiB/s`.
import { formatBytes, formatDuration, formatRate } from '../formats.ts';
import type { StepState } from '../read-model/read-model.ts';
import { printable } from '../table.ts';

/** The figures of a step: bytes and rate while it runs, the time it took when it has ended. */
export function stepFigures(step: StepState): string {
  const parts: string[] = [];
  if (step.bytes !== undefined && (step.bytes > 0 || step.totalBytes)) {
    // A total of nothing is one that is not known.
    const total = step.state === 'running' && step.totalBytes;
    parts.push(`${formatBytes(step.bytes)}${total ? ` of ${formatBytes(total)}` : ''}`);
  }
  if (step.bytesPerSecond !== undefined) parts.push(formatRate(step.bytesPerSecond));
  if (step.note) parts.push(printable(step.note));
  if (step.tookMs !== undefined && step.state !== 'skipped') parts.push(formatDuration(step.tookMs));
  return parts.join(', ');
}

export const stepText = (step: StepState): string => {
  const figures = stepFigures(step);
  return figures ? `${step.title}: ${figures}` : step.title;
};
