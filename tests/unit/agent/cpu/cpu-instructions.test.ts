// Which instructions of one CPU another lacks.
import { describe, expect, it } from '@jest/globals';
import { instructionsOf, missingInstructions } from '../../../../agent/cpu/cpu-instructions.ts';

const cpuinfo = (...flags: string[]) =>
  flags.map((each, index) => `processor\t: ${index}\nflags\t\t: ${each}\nbugs\t\t: spectre_v1`).join('\n\n');

describe('instructions', () => {
  const modern = instructionsOf(
    cpuinfo('fpu vme sse2 ssse3 sse4_2 xsave avx avx2 md_clear arch_capabilities'),
  );

  it('are those that programs use, not what concerns the kernel', () => {
    expect(modern).toEqual(['avx', 'avx2', 'sse4_2', 'ssse3', 'xsave']);
  });

  it('are there where every CPU of a machine has them', () => {
    expect(instructionsOf(cpuinfo('ssse3 avx', 'ssse3'))).toEqual(['ssse3']);
    expect(instructionsOf('')).toEqual([]);
  });

  it('are all that the kernel tells of an arm64', () => {
    const features = (text: string) => `processor\t: 0\nFeatures\t: ${text}\nCPU part\t: 0xd0c\n`;
    const large = instructionsOf(features('fp asimd evtstrm atomics sve') + features('fp asimd atomics sve'));
    expect(large).toEqual(['asimd', 'atomics', 'fp', 'sve']);
    expect(missingInstructions(large, instructionsOf(features('fp asimd atomics')))).toEqual(['sve']);
  });

  it('are missing by name, in one direction only', () => {
    const old = instructionsOf(cpuinfo('fpu sse2 ssse3 sse4_2 popcnt'));
    expect(missingInstructions(modern, old)).toEqual(['avx', 'avx2', 'xsave']);
    expect(missingInstructions(old, modern)).toEqual(['popcnt']);
  });
});
