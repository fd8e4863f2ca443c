// The environment that keeps libraries which choose instructions at run time from choosing any above a baseline.
import type { Baseline } from '../../src/contract/cpu-baseline.ts';

/**
 * What glibc has functions for, by the level that has it, and by the names of all its versions: before 2.33 those that
 * end in _Usable (glibc's sysdeps/x86/cpu-tunables.c). Names that a version does not know it passes over.
 */
const aboveV3 = [
  ...[
    'AVX512F',
    'AVX512CD',
    'AVX512BW',
    'AVX512DQ',
    'AVX512ER',
    'AVX512PF',
    'AVX512VL',
    'FMA4',
    'RTM',
    'XSAVEC',
  ],
  ...['AVX512F_Usable', 'AVX512DQ_Usable', 'FMA4_Usable', 'XSAVEC_Usable'],
];
const ofV3 = [
  ...['AVX', 'AVX2', 'BMI1', 'BMI2', 'FMA', 'LZCNT', 'MOVBE', 'OSXSAVE', 'XSAVE'],
  // A preference that by itself chooses functions with AVX.
  ...['AVX_Fast_Unaligned_Load', 'AVX_Usable', 'AVX2_Usable', 'FMA_Usable'],
];
const ofV2 = ['POPCNT', 'SSE4_1', 'SSE4_2', 'SSSE3'];

const withheld: Record<Baseline, string[]> = {
  'x86-64-v1': [...aboveV3, ...ofV3, ...ofV2],
  'x86-64-v2': [...aboveV3, ...ofV3],
  'x86-64-v3': aboveV3,
};

const bits = (...numbers: number[]): bigint => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);

/**
 * The bits to be cleared in OpenSSL's words of what the CPU can do: CPUID 1 (EDX below, ECX from bit 32 on), then CPUID
 * 7 (EBX), then words of which no level has anything (its manual page OPENSSL_ia32cap).
 */
const all = bits(...Array.from({ length: 64 }, (_, bit) => bit));
const pclmulXopAesRdrand = bits(33, 43, 57, 62);
const fmaMovbeXsaveAvxF16c = bits(44, 54, 58, 59, 60, 61);
const sse3To4Popcnt = bits(32, 41, 51, 52, 55);
const bmi1Avx2Bmi2 = bits(3, 5, 8);
const cleared: Record<Baseline, [bigint, bigint]> = {
  'x86-64-v1': [pclmulXopAesRdrand | fmaMovbeXsaveAvxF16c | sse3To4Popcnt, all],
  'x86-64-v2': [pclmulXopAesRdrand | fmaMovbeXsaveAvxF16c, all],
  'x86-64-v3': [pclmulXopAesRdrand, all ^ bmi1Avx2Bmi2],
};

interface Variable {
  name: string;
  value: string;
}

export const tunablesName = 'GLIBC_TUNABLES';
export const hwcaps = 'glibc.cpu.hwcaps';

/** `env` with what holds to the baseline; what it says of glibc's other tunables stays. The argument is not changed. */
export function holdToBaseline(env: readonly Variable[], baseline: Baseline): Variable[] {
  const words = [...cleared[baseline], all, all, all].map((word) => `~0x${word.toString(16)}`);
  const held: Variable[] = [
    {
      name: tunablesName,
      value: extendTunables(env.find(({ name }) => name === tunablesName)?.value, withheld[baseline]),
    },
    // What is bound when it is first called is bound by code that saves registers by XSAVE, which was chosen at the start.
    { name: 'LD_BIND_NOW', value: '1' },
    { name: 'OPENSSL_ia32cap', value: words.join(':') },
    // Nothing that is found out at run time.
    { name: 'GNUTLS_CPUID_OVERRIDE', value: '0x1' },
  ];
  return [...env.filter(({ name }) => held.every((each) => each.name !== name)), ...held];
}

/** Of a tunable that is given twice the last counts: what is there is extended. */
function extendTunables(given: string | undefined, features: readonly string[]): string {
  const tunables = (given ?? '').split(':').filter(Boolean);
  const isOurs = (tunable: string) => tunable.startsWith(`${hwcaps}=`);
  const chosen = tunables.findLast(isOurs)?.slice(hwcaps.length + 1);
  const list = [...(chosen ? [chosen] : []), ...features.map((feature) => `-${feature}`)];
  return [...tunables.filter((tunable) => !isOurs(tunable)), `${hwcaps}=${list.join(',')}`].join(':');
}
