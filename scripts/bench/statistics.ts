// What is said of several measurements of one thing.

export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** @throws RangeError where there is no sample */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError('nothing was measured');
  return { median: percentile(samples, 50), min: Math.min(...samples), max: Math.max(...samples) };
}

/** By linear interpolation between the two nearest samples; `percent` from 0 to 100. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
