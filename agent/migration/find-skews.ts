// What of the known skews is there between two machines, in words.
import type { Problem } from '../../src/contract/fault.ts';
import type { PreflightReport } from '../../src/contract/migration.ts';
import { type KnownSkew, knownSkews } from './known-skews.ts';
import type { KnownFacts, Skew } from './skew.ts';
import { isBefore } from './versions.ts';

export function findSkews(skew: Skew, rows: readonly KnownSkew[] = knownSkews): PreflightReport {
  const found = rows.filter((row) => applies(row, skew));
  const of = (effect: KnownSkew['effect']) =>
    found.filter((row) => row.effect === effect).map((row) => problemOf(row, skew));
  return { problems: of('refuse'), warnings: of('warn') };
}

function applies({ from, to, when, atDump }: KnownSkew, skew: Skew): boolean {
  if (atDump && skew.isDumped) return false;
  return fits(from, skew.from) && fits(to, skew.to) && (when?.(skew) ?? true);
}

/** Nothing follows from a version that is not known. */
function fits(ranges: KnownSkew['from'], facts: KnownFacts): boolean {
  return Object.entries(ranges ?? {}).every(([program, { atLeast, below }]) => {
    const version = facts[program as keyof typeof ranges] ?? 'unknown';
    return (
      (atLeast === undefined || isBefore(version, atLeast) === false) &&
      (below === undefined || isBefore(version, below) === true)
    );
  });
}

function problemOf(row: KnownSkew, skew: Skew): Problem {
  const because = typeof row.because === 'string' ? row.because : row.because(skew);
  return {
    where: row.where,
    message: `${row.differs?.(skew) ?? versionsOf(row, skew)}: ${because}`,
    hint: row.hint(skew),
    source: row.source,
  };
}

/** `criu 4.2.1 on host-a, criu 4.1.1 with kernel 6.18.0 on host-b`, of what the row looks at. */
function versionsOf({ from, to }: KnownSkew, skew: Skew): string {
  const side = (ranges: KnownSkew['from'], facts: KnownFacts & { name: string }) =>
    ranges
      ? [
          `${Object.keys(ranges)
            .map((program) => `${program} ${facts[program as keyof typeof ranges]}`)
            .join(' with ')} on ${facts.name}`,
        ]
      : [];
  return [...side(from, skew.from), ...side(to, skew.to)].join(', ');
}
