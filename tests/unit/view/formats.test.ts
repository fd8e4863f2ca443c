// Ages, sizes and durations at the edges where units change.
import { describe, expect, it } from '@jest/globals';
import { formatAge, formatBytes, formatDuration } from '../../../src/view/formats.ts';

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

describe('formatAge', () => {
  it.each([
    [-5 * second, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 3 * second, '5m3s'],
    [10 * minute + 3 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [5 * hour + 12 * minute, '5h12m'],
    [47 * hour, '47h'],
    [3 * day + 4 * hour, '3d4h'],
    [45 * day, '45d'],
    [730 * day, '2y'],
    [Number.NaN, '<unknown>'],
  ])('%d ms is %s', (ms, text) => expect(formatAge(ms)).toBe(text));
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1024 * 1024 - 1, '1 MiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [24 * 2 ** 20, '24 MiB'],
    [9.996 * 2 ** 20, '10 MiB'],
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('formatDuration', () => {
  it.each([
    [0, '0.00 s'],
    [630, '0.63 s'],
    [9994, '9.99 s'],
    [9996, '10.0 s'],
    [59_960, '1m'],
    [95_000, '1m35s'],
    [3_600_000 + 240_000, '64m'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});
