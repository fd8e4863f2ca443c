// How much is generated, and from which seed: CMIG_FUZZ_RUNS and CMIG_SEED repeat a run.

export interface FuzzRun {
  seed: number;
  runs: number;
}

/** Tells what it is, so that it can be repeated. A seed is made up where neither the environment nor the caller has one. */
export function fuzzRun(defaultRuns: number, defaultSeed?: number): FuzzRun {
  const seed = Number(process.env.CMIG_SEED || (defaultSeed ?? Math.floor(Math.random() * 0x7fffffff)));
  const runs = Number(process.env.CMIG_FUZZ_RUNS || defaultRuns);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(runs) || runs < 1)
    throw new Error('CMIG_SEED and CMIG_FUZZ_RUNS are whole numbers');
  process.stderr.write(`fuzz: CMIG_SEED=${seed} CMIG_FUZZ_RUNS=${runs}\n`);
  return { seed, runs };
}
