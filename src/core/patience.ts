// How long answers of a broker and of hosts are waited for, where nothing else is said.

/** A limit in ms; where all is far away or very busy it can be made longer: by `CMIG_PATIENCE=3` three times as long. */
export function patient(limitMs: number): number {
  const factor = Number(process.env.CMIG_PATIENCE);
  return factor > 0 && Number.isFinite(factor) ? limitMs * factor : limitMs;
}
