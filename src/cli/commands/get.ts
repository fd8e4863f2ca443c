// `cmig get`.
import { CmigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/near-names.ts';
import { notFound } from '../../orchestrator/finding.ts';
import { readInventory } from '../../orchestrator/inventory.ts';
import type { Selector } from '../../orchestrator/selector.ts';
import type { ResourceExpressions } from '../../view/jsonpath/resource-expressions.ts';
import { kindViews } from '../../view/kinds.ts';
import { emptyModel, type ReadModel } from '../../view/read-model/read-model.ts';
import { reduceModel } from '../../view/read-model/reduce-model.ts';
import { resourcesOf, silentHosts } from '../../view/read-model/resources.ts';
import { type ResourceFormat, type ResourceGroup, renderResources } from '../../view/resource-output.ts';
import { parseResourceWords, type ResourceRequest } from '../../view/resource-words.ts';
import type { Invocation } from '../command.ts';
import { warnOfInventory } from '../inventory-warnings.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const requests = parseResourceWords(invocation.required('KIND'), invocation.texts('NAME'));
  const matches = await readSelector(invocation);
  const expressions = await readExpressions(invocation);
  if (invocation.flag('watch')) {
    const { watch } = await import('./get-watch.ts');
    return watch(invocation, requests, matches, expressions);
  }
  const parts = requests.map(({ plural }) => plural);
  const inventory = await withOrchestrator(invocation, (session) => readInventory(session, { parts }));
  const nowMs = Date.now();
  const model = reduceModel(emptyModel(nowMs), { type: 'inventory', inventory, parts }, nowMs);
  const { sort = (items) => [...items] } = expressions;
  const groups = requests.map((request) => {
    const { plural, items } = select(model, request, matches);
    return { plural, items: sort(items) };
  });
  const format: ResourceFormat = invocation.output ?? 'table';
  const missing = findMissing(model, requests);
  const found = groups.some(({ items }) => items.length > 0);
  // An image of one name may be on several hosts.
  const single = requests.length === 1 && requests[0]!.names?.length === 1 && groups[0]!.items.length === 1;
  const structured = format === 'json' || format === 'yaml' || format === 'jsonpath';
  // A document that would only say "nothing" is not printed beside an error.
  if (found || (structured && missing.length === 0)) {
    const headers = !invocation.flag('no-headers');
    invocation.stdout.write(await renderResources(groups, { format, headers, single, expressions }));
  } else if (missing.length === 0) {
    invocation.notice(`no ${parts.join(', ')} found`);
  }
  warnOfInventory(invocation, { warnings: model.warnings, unreachable: silentHosts(model) });
  if (missing.length === 1) throw missing[0]!;
  if (missing.length > 1) {
    throw new CmigError(missing[0]!.code, `${missing.length} of what was asked for does not exist`, {
      problems: missing.map(({ message, hint }) => ({ message, ...(hint ? { hint } : {}) })),
    });
  }
}

/** The selector of `-l`; everything where there is none. */
async function readSelector(invocation: Invocation): Promise<Selector> {
  const text = invocation.text('selector');
  if (text === undefined) return () => true;
  return (await import('../../orchestrator/selector.ts')).parseSelector(text);
}

/** What `-o jsonpath`, `-o custom-columns` and `--sort-by` say; nothing is loaded for them where they are absent. */
async function readExpressions(invocation: Invocation): Promise<ResourceExpressions> {
  const { output, outputExpression } = invocation;
  const sortBy = invocation.text('sort-by');
  const [template, columns] = (['jsonpath', 'custom-columns'] as const).map((format) =>
    output === format ? outputExpression : undefined,
  );
  if ([template, columns, sortBy].every((text) => text === undefined)) return {};
  const { compileExpressions } = await import('../../view/jsonpath/resource-expressions.ts');
  return compileExpressions({ template, columns, sortBy });
}

function select(model: ReadModel, { plural, names }: ResourceRequest, matches: Selector): ResourceGroup {
  const items = resourcesOf(model, plural).filter(
    (item) =>
      (names?.includes(item.metadata.name) ?? true) &&
      matches('labels' in item.metadata ? item.metadata.labels : undefined),
  );
  return { plural, items };
}

function findMissing(model: ReadModel, requests: readonly ResourceRequest[]): CmigError[] {
  return requests.flatMap(({ plural, names = [] }) => {
    const existing = resourcesOf(model, plural).map((item) => item.metadata.name);
    return names
      .filter((name) => !existing.includes(name))
      .map((name) => {
        const hint =
          didYouMean(name, existing) ?? (existing.length > 0 ? `there is ${existing.join(', ')}` : undefined);
        const what = `${kindViews[plural].singular} "${name}"`;
        // Any host knows of all hosts; of the rest each knows its own.
        const unreachable = plural === 'hosts' ? [] : silentHosts(model);
        return notFound(what, { unreachable }, hint);
      });
  });
}
