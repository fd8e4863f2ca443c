// Turns the agents' events of a migration into progress of its steps.
import type { Event } from '../../contract/events.ts';
import type { OnProgress } from '../../core/progress.ts';

export function showNews(event: Event, onProgress: OnProgress): void {
  if (event.type === 'migration.progressed') {
    const { step, bytes, totalBytes, bytesPerSecond } = event.data;
    onProgress({
      type: 'progressed',
      step,
      bytes,
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    });
  }
  if (event.type === 'image.progressed') {
    const { bytes, bytesPerSecond, digest } = event.data;
    onProgress({
      type: 'progressed',
      step: 'prepare',
      bytes,
      bytesPerSecond,
      note: `image ${digest.slice(7, 19)}`,
    });
  }
}
