// Which of several claims to one application counts.
import type { Application } from '../contract/application.ts';

/**
 * Each application once. A destination that only expects it does not count; of two real claims the higher epoch wins,
 * and a warning says so, unless the other one is a source that is about to let go.
 */
export function mergeClaims(claims: readonly Application[]): { current: Application[]; warnings: string[] } {
  const byName = Map.groupBy(claims, (claim) => claim.metadata.name);
  const current: Application[] = [];
  const warnings: string[] = [];
  for (const [name, all] of byName) {
    const settled = all.filter(({ status }) => status.phase !== 'Incoming');
    const [winner, ...others] = (settled.length > 0 ? settled : all).sort(
      (a, b) => b.status.epoch - a.status.epoch,
    );
    current.push(winner!);
    const rivals = others.filter(({ status }) => status.phase !== 'Migrating');
    if (rivals.length === 0) continue;
    const claimants = [winner!, ...rivals].map(({ status }) => `${status.host} (epoch ${status.epoch})`);
    warnings.push(
      `application ${name} is claimed by ${claimants.join(' and ')}: the one on ${winner!.status.host} counts`,
    );
  }
  return { current, warnings };
}
