// `cmig diff`.
import { diffYaml } from '../../manifest/diff.ts';
import { planApply } from '../../orchestrator/apply-plan.ts';
import { readInventory } from '../../orchestrator/inventory.ts';
import type { Invocation } from '../command.ts';
import { namedManifests } from '../named-manifests.ts';
import { withOrchestrator } from '../session.ts';

/** Answers with 1 where apply would change anything, as diff(1) does. */
export async function run(invocation: Invocation): Promise<number> {
  const wanted = await namedManifests(invocation);
  const plans = await withOrchestrator(invocation, async (session) =>
    planApply(await readInventory(session), wanted),
  );
  const different = plans.filter(({ outcome }) => outcome !== 'unchanged');
  const diffs = different.map(({ wanted, before, after }) =>
    diffYaml(wanted.manifest.metadata.name, before, after),
  );
  if (invocation.output === 'json') {
    invocation.printJson({
      different: different.length > 0,
      applications: plans.map((plan) => ({
        name: plan.wanted.manifest.metadata.name,
        outcome: plan.outcome,
        notes: plan.notes,
        diff: diffs[different.indexOf(plan)] ?? '',
      })),
    });
  } else {
    for (const { notes } of plans) for (const note of notes) invocation.notice(`note: ${note}`);
    for (const diff of diffs) invocation.stdout.write(diff);
  }
  return different.length > 0 ? 1 : 0;
}
