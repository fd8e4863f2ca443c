// Durations, sizes and cores as manifests write them.
import { describe, expect, it } from '@jest/globals';
import { parseCores, parseDurationMs, parseSizeBytes } from '../../../src/core/units.ts';

describe('units', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['0.0015s', 2],
    ['5m', 300_000],
    ['2h', 7_200_000],
  ])('%s is %d ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each([
    ['0', 0],
    ['1024', 1024],
    ['1k', 1000],
    ['1Ki', 1024],
    ['256Mi', 268_435_456],
    ['2G', 2_000_000_000],
    ['1Gi', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => expect(parseSizeBytes(text)).toBe(bytes));

  it.each([
    ['2', 2],
    ['0.5', 0.5],
    ['500m', 0.5],
    ['1500m', 1.5],
  ])('%s is %d cores', (text, cores) => expect(parseCores(text)).toBe(cores));

  it.each([
    ...['', '10', 's', '-1s', '1 s', '1S', '1d', '1e3s', ' 1s', '1s\n', '.5s'].map(
      (text) => [parseDurationMs, text] as const,
    ),
    ...['', 'Mi', '1.5Gi', '-1', '1KB', '1mi', '0x10', ' 1'].map((text) => [parseSizeBytes, text] as const),
    ...['', 'm', '0', '0m', '-1', 'all', '1e999', 'NaN', '0x1', '1e1', ' 1'].map(
      (text) => [parseCores, text] as const,
    ),
  ])('%p refuses %p', (parse, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
