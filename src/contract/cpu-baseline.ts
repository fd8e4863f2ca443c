// The levels of x86-64 that a program can be held to, and what each asks of a CPU.
import Type from 'typebox';

/**
 * What each level asks for beyond the one below, by the names in /proc/cpuinfo (System V ABI, x86-64 supplement,
 * "micro-architecture levels"). Every x86-64 has the first.
 */
const levels = {
  'x86-64-v1': [],
  'x86-64-v2': ['cx16', 'lahf_lm', 'pni', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3'],
  'x86-64-v3': ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave'],
  'x86-64-v4': ['avx512bw', 'avx512cd', 'avx512dq', 'avx512f', 'avx512vl'],
} as const;
type Level = keyof typeof levels;
const levelNames = Object.keys(levels) as Level[];

export const baselineNames = ['x86-64-v1', 'x86-64-v2', 'x86-64-v3'] as const;
export type Baseline = (typeof baselineNames)[number];

export const CpuDemand = Type.Object(
  {
    baseline: Type.Enum([...baselineNames], {
      description:
        'Its programs use no instruction above this level, so that it may move to any CPU that has the level. Holds for programs that leave the choice to glibc, OpenSSL or GnuTLS, or that do not choose at all.',
    }),
    emulated: Type.Optional(
      Type.Boolean({
        description:
          'Runs its programs by QEMU, which its hosts must have: for programs that choose instructions by themselves. Several times slower. Each container is then one program, which can start no other, and runs on every CPU that has what the one has on which it was started. false if absent.',
      }),
    ),
    trusted: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[^/\\s]+$',
          description: 'A file name, without its folder and, if that is all the same, its version.',
        }),
        {
          maxItems: 100,
          description:
            'Programs and libraries that ask the CPU by themselves what it can do, and are known to keep to the baseline all the same.',
        },
      ),
    ),
  },
  { additionalProperties: false, description: 'What it may ask of the CPU; all that it finds if absent.' },
);
export type CpuDemand = Type.Static<typeof CpuDemand>;

/** What is found in the running processes of an application with a baseline. */
export const CodeFacts = Type.Object({
  /** Why it may use more than the baseline, a sentence each; or, where it is emulated, what is not. */
  unheld: Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 100 }),
  /** Where it is emulated: what the CPUs have that its processes were started on, and the digest of the emulator. */
  startedOn: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1000 })),
  emulator: Type.Optional(Type.String({ maxLength: 64 })),
});
export type CodeFacts = Type.Static<typeof CodeFacts>;

/** Whether a file is one of those named, by its name or by what comes before its version: libx.so is libx.so.1.2 too. */
export const isTrusted = ({ trusted = [] }: Pick<CpuDemand, 'trusted'>, name: string): boolean =>
  trusted.some((each) => name === each || name.startsWith(`${each}.`));

/** All that a CPU of this level has beyond every x86-64. */
export const featuresOf = (level: Level): string[] =>
  levelNames.slice(0, levelNames.indexOf(level) + 1).flatMap((name) => levels[name]);

/** The highest level of a CPU with these features. */
export const levelOf = (features: readonly string[]): Level =>
  levelNames.findLast((level) => featuresOf(level).every((feature) => features.includes(feature)))!;
