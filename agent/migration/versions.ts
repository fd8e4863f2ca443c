// Versions as programs and kernels tell them, compared by the numbers that they begin with.

const numbersOf = (version: string): number[] | undefined =>
  /^v?\d+(\.\d+)*/.exec(version)?.[0].replace(/^v/, '').split('.').map(Number);

/** Whether `version` comes before `limit`; undefined where it has no numbers, such as `unknown`. */
export function isBefore(version: string, limit: string): boolean | undefined {
  const [numbers, limits] = [numbersOf(version), numbersOf(limit)];
  if (!numbers || !limits) return undefined;
  for (let index = 0; index < Math.max(numbers.length, limits.length); index++) {
    const difference = (numbers[index] ?? 0) - (limits[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The first numbers of a version: `6.1` of `6.1.0-37-amd64`. */
export const leading = (version: string, count: number): string =>
  numbersOf(version)?.slice(0, count).join('.') ?? version;
