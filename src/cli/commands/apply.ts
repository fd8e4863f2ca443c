// `cmig apply`.
import { type ApplyResult, applyApplications } from '../../orchestrator/applying.ts';
import { listOf, renderDocument } from '../../view/resource-output.ts';
import type { Invocation } from '../command.ts';
import { namedManifests } from '../named-manifests.ts';
import { withOrchestrator } from '../session.ts';
import { showProgress } from '../show-progress.ts';

export async function run(invocation: Invocation): Promise<void> {
  const wanted = await namedManifests(invocation);
  const { output } = invocation;
  const dryRun = invocation.flag('dry-run');
  const results: ApplyResult[] = [];
  try {
    await withOrchestrator(invocation, (session) =>
      showProgress(invocation, (onProgress) =>
        applyApplications(session, wanted, {
          dryRun,
          wait: invocation.flag('wait'),
          timeoutMs: invocation.durationMs('timeout'),
          onProgress,
          signal: invocation.signal,
          onResult: (result) => results.push(result),
        }),
      ),
    );
  } finally {
    // Those that were done before another one failed are told all the same.
    if (output !== 'json' && output !== 'yaml') {
      for (const { name, outcome, notes } of results) {
        for (const note of notes) invocation.notice(`note: ${note}`);
        const words = `application/${name}`;
        invocation.print(output === 'name' ? words : `${words} ${outcome}${dryRun ? ' (dry run)' : ''}`);
      }
    }
  }
  if (output === 'json') return invocation.printJson(report(results, dryRun));
  if (output === 'yaml') invocation.stdout.write(await renderDocument(report(results, dryRun), 'yaml'));
}

/** A List of the applications as they are now, each with what apply did; for a dry run what it would do. */
function report(results: readonly ApplyResult[], dryRun: boolean) {
  const applied = results.map(({ application: _, ...result }) => result);
  const items = results.flatMap(({ application }) => (application ? [application] : []));
  return { ...listOf(items), applied, dryRun };
}
