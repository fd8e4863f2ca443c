// What the environment of a program with a baseline says, and that it is kept of what its manifest says.
import { describe, expect, it } from '@jest/globals';
import { holdToBaseline } from '../../../../agent/cpu/baseline-environment.ts';
import type { Baseline } from '../../../../src/contract/cpu-baseline.ts';

const held = (baseline: Baseline, env: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(
    holdToBaseline(
      Object.entries(env).map(([name, value]) => ({ name, value })),
      baseline,
    ).map(({ name, value }) => [name, value]),
  );
const withheld = (baseline: Baseline): string[] =>
  held(baseline).GLIBC_TUNABLES!.replace('glibc.cpu.hwcaps=', '').split(',');

describe('the environment of a baseline', () => {
  it('withholds from glibc what is above it, and nothing else', () => {
    expect(withheld('x86-64-v3')).toEqual(expect.arrayContaining(['-AVX512F', '-RTM', '-XSAVEC']));
    expect(withheld('x86-64-v3')).not.toContain('-AVX2');
    expect(withheld('x86-64-v2')).toEqual(
      expect.arrayContaining(['-AVX512F', '-AVX2', '-AVX2_Usable', '-XSAVE']),
    );
    expect(withheld('x86-64-v2')).not.toContain('-SSE4_2');
    expect(withheld('x86-64-v1')).toEqual(expect.arrayContaining(['-AVX2', '-SSE4_2', '-SSSE3', '-POPCNT']));
  });

  it('binds all functions at the start, without saving registers by XSAVE', () => {
    expect(held('x86-64-v3')).toMatchObject({ LD_BIND_NOW: '1', GNUTLS_CPUID_OVERRIDE: '0x1' });
  });

  it('clears the bits of OpenSSL: AES with every level, AVX2 (bit 5 of the second word) below the third', () => {
    const words = (baseline: Baseline) => held(baseline).OPENSSL_ia32cap!.split(':');
    const clears = (word: string, bit: number) => ((BigInt(word.slice(1)) >> BigInt(bit)) & 1n) === 1n;
    for (const level of ['x86-64-v1', 'x86-64-v2', 'x86-64-v3'] as const)
      expect(clears(words(level)[0]!, 32 + 25)).toBe(true);
    expect(clears(words('x86-64-v2')[1]!, 5)).toBe(true);
    expect(clears(words('x86-64-v3')[1]!, 5)).toBe(false);
    expect(clears(words('x86-64-v2')[0]!, 32 + 20)).toBe(false);
  });

  it('leaves what else is set, other tunables included, and extends the list that is there', () => {
    const env = held('x86-64-v3', {
      PATH: '/bin',
      LD_BIND_NOW: '',
      GLIBC_TUNABLES: 'glibc.malloc.arena_max=1:glibc.cpu.hwcaps=-ERMS:glibc.malloc.check=3',
    });
    expect(env).toMatchObject({ PATH: '/bin', LD_BIND_NOW: '1' });
    expect(env.GLIBC_TUNABLES).toMatch(
      /^glibc\.malloc\.arena_max=1:glibc\.malloc\.check=3:glibc\.cpu\.hwcaps=-ERMS,-AVX512F,/,
    );
  });
});
