// The instructions that a CPU has beyond those of every one of its architecture, by the names that the kernel gives them.
import { readFile } from 'node:fs/promises';

/**
 * What a program may find out at its start and use for as long as it lives: by the names of the x86-64 levels v2 to v4
 * (System V ABI, x86-64 supplement) and those that libraries of cryptography and glibc's own functions ask for. Of
 * what only the kernel or a hypervisor uses there is nothing here.
 */
const instructions = new RegExp(
  `^(${[
    'pni|ssse3|sse4_1|sse4_2|sse4a|cx16|lahf_lm|popcnt|abm|movbe|mmxext|3dnow\\w*|fma4|xop|tbm',
    'avx|avx2|avx512\\w*|avx_\\w+|amx_\\w+|f16c|fma|bmi1|bmi2|adx',
    'aes|pclmulqdq|vaes|vpclmulqdq|gfni|sha_ni|sha512|rdrand|rdseed',
    'xsave|xsaveopt|xsavec|xgetbv1|fsgsbase|rdtscp|rdpid|erms|fsrm|clflushopt|clwb|rtm|hle|ospke|waitpkg',
  ].join('|')})$`,
);

/** Of this machine, in alphabetical order; nothing where the kernel calls them otherwise. */
export async function readInstructions(): Promise<string[]> {
  return instructionsOf(await readFile('/proc/cpuinfo', 'utf8'));
}

/**
 * Of what /proc/cpuinfo holds: those that all of its CPUs have. On arm64 it has nothing but what programs may use (the
 * kernel's Documentation/arch/arm64/elf_hwcaps.rst), and a timer of its own.
 */
export function instructionsOf(cpuinfo: string): string[] {
  const perCpu = [...cpuinfo.matchAll(/^(flags|Features)\s*:(.*)$/gm)].map(
    ([, name, flags = '']) =>
      new Set(
        flags
          .split(' ')
          .filter((flag) => (name === 'flags' ? instructions.test(flag) : flag && flag !== 'evtstrm')),
      ),
  );
  return [...(perCpu[0] ?? [])].filter((flag) => perCpu.every((flags) => flags.has(flag))).sort();
}

/** What programs may use on the one, and would die of on the other. */
export const missingInstructions = (there: readonly string[], here: readonly string[]): string[] =>
  there.filter((instruction) => !here.includes(instruction));
