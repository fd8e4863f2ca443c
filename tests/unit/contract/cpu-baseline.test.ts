// Which level of x86-64 a CPU has.
import { describe, expect, it } from '@jest/globals';
import { featuresOf, isTrusted, levelOf } from '../../../src/contract/cpu-baseline.ts';

describe('a file', () => {
  it('is trusted by its name, with its version or without, and no other with it', () => {
    const demand = { trusted: ['libx.so', 'nginx'] };
    const names = ['libx.so', 'libx.so.1.2', 'libx.so2', 'libxy.so', 'nginx', 'nginx-debug'];
    expect(names.filter((name) => isTrusted(demand, name))).toEqual(['libx.so', 'libx.so.1.2', 'nginx']);
  });
});

describe('a level', () => {
  it('has what those below it have, and its own', () => {
    expect(featuresOf('x86-64-v1')).toEqual([]);
    expect(featuresOf('x86-64-v3')).toEqual(expect.arrayContaining(['ssse3', 'avx2', 'xsave']));
    expect(featuresOf('x86-64-v3')).not.toContain('avx512f');
  });

  it('is the highest of which a CPU lacks nothing', () => {
    const v2 = featuresOf('x86-64-v2');
    expect(levelOf([])).toBe('x86-64-v1');
    expect(levelOf([...v2, 'avx', 'avx2', 'xsave'])).toBe('x86-64-v2');
    expect(levelOf(featuresOf('x86-64-v3').filter((feature) => feature !== 'popcnt'))).toBe('x86-64-v1');
    expect(levelOf(featuresOf('x86-64-v4'))).toBe('x86-64-v4');
  });
});
