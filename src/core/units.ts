// Durations, sizes and shares as manifests write them, as numbers.
import { CmigError } from './errors.ts';

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const sizeUnits: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** `1.5s` -> 1500. @throws CmigError `invalid` */
export function parseDurationMs(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text);
  if (!match)
    throw new CmigError('invalid', `"${text}" is not a duration`, {
      hint: 'write it as 500ms, 10s, 5m or 1h',
    });
  return Math.round(Number(match[1]) * durationUnits[match[2]!]!);
}

/** `256Mi` -> 268435456. @throws CmigError `invalid` */
export function parseSizeBytes(text: string): number {
  const match = /^([0-9]+)(Ki|Mi|Gi|k|M|G|)$/.exec(text);
  if (!match)
    throw new CmigError('invalid', `"${text}" is not a size`, {
      hint: 'write it as 1048576, 512Ki, 256Mi or 1Gi',
    });
  return Number(match[1]) * sizeUnits[match[2]!]!;
}

/** `500m` or `0.5` -> 0.5 cores. @throws CmigError `invalid` */
export function parseCores(text: string): number {
  const match = /^(?:([0-9]+)m|([0-9]+(?:\.[0-9]+)?))$/.exec(text);
  const cores = match?.[1] ? Number(match[1]) / 1000 : Number(match?.[2]);
  if (!Number.isFinite(cores) || cores <= 0)
    throw new CmigError('invalid', `"${text}" is not a number of cores`);
  return cores;
}
