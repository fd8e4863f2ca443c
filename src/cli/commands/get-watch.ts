// `cmig get -w`: first what exists, then every change as it happens.
import type { Application } from '../../contract/application.ts';
import type { Selector } from '../../orchestrator/selector.ts';
import type { ResourceExpressions } from '../../view/jsonpath/resource-expressions.ts';
import type { Resource } from '../../view/kinds/kind-view.ts';
import { liveChanges } from '../../view/read-model/live-changes.ts';
import type { Change } from '../../view/read-model/resources.ts';
import { qualifiedName, renderDocument, resourceColumns } from '../../view/resource-output.ts';
import type { ResourceRequest } from '../../view/resource-words.ts';
import { layOutTable } from '../../view/table.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

/** Goes on until it is interrupted. */
export async function watch(
  invocation: Invocation,
  requests: readonly ResourceRequest[],
  matches: Selector,
  expressions: ResourceExpressions,
): Promise<void> {
  if (expressions.sort) invocation.notice('--sort-by is left aside: what changes is shown as it changes');
  const wanted = ({ part, item }: Change) =>
    requests.some(({ plural, names }) => plural === part && (names?.includes(item.metadata.name) ?? true)) &&
    matches('labels' in item.metadata ? item.metadata.labels : undefined);
  const print = printer(invocation, expressions, requests.length > 1);
  await withOrchestrator(
    invocation,
    async (session) => {
      const parts = requests.map(({ plural }) => plural);
      for await (const change of liveChanges(session, parts)) if (wanted(change)) await print(change);
    },
    {
      reconnect: true,
      onState: (state) => {
        if (state === 'disconnected') invocation.notice('the broker has gone; waiting for it to come back');
      },
    },
  );
}

/** Rows of a table that stays aligned, one JSON object a line, or YAML documents. */
function printer(
  invocation: Invocation,
  { template, columns }: ResourceExpressions,
  qualified: boolean,
): (change: Change) => Promise<void> {
  const widths = new Map<string, number[]>();
  const { output } = invocation;
  return async (change) => {
    const item = shown(change);
    if (output === 'json') return invocation.print(JSON.stringify(item));
    if (output === 'yaml') {
      invocation.stdout.write(`---\n${await renderDocument(item, 'yaml')}`);
      return;
    }
    if (output === 'name') return invocation.print(qualifiedName(change.part, item));
    if (template) return void invocation.stdout.write(template(item));
    // Columns of one's own are the same for all kinds.
    const table = columns ? 'all' : change.part;
    const before = widths.get(table);
    const laidOut = layOutTable(
      columns ?? resourceColumns(change.part, { wide: output === 'wide', qualified }),
      [item],
      {
        headers: before === undefined && !invocation.flag('no-headers'),
        ...(before ? { minWidths: before } : {}),
      },
    );
    widths.set(table, laidOut.widths);
    for (const line of laidOut.lines) invocation.print(line);
  };
}

/** What is gone is shown once more, as deleted. */
function shown({ item, gone }: Change): Resource {
  if (gone && item.kind === 'Image')
    return { ...item, status: { ...item.status, usedBy: ['<removed>'] } } as Resource;
  if (!gone || item.kind !== 'Application') return item;
  const { status } = item satisfies Application;
  return { ...item, status: { ...status, phase: 'Deleted' } } as Resource;
}
