// `cmig top`: what hosts and applications use.
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError } from '../../core/errors.ts';
import { LiveModel } from '../../view/read-model/live-model.ts';
import { untilMeasured } from '../../view/read-model/until-measured.ts';
import { printable, renderTable } from '../../view/table.ts';
import {
  type ApplicationUse,
  applicationUse,
  applicationUseColumns,
  type HostUse,
  hostUse,
  hostUseColumns,
} from '../../view/topology/use.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

/** As often as hosts measure themselves. */
const everyMs = 2000;

export async function run(invocation: Invocation): Promise<number> {
  const watch = invocation.flag('watch');
  const kind = invocation.required('KIND') as 'hosts' | 'applications';
  const sort = await readSorting(invocation.text('sort-by'));
  return withOrchestrator(
    invocation,
    async (session) => {
      const feed = new LiveModel(session, { past: false });
      try {
        await feed.start();
        await untilMeasured(feed);
        show(invocation, kind, sort(usesOf(kind, feed)), true);
        if (!watch) return 0;
        const { signal } = invocation;
        while (!signal.aborted) {
          await sleep(everyMs, undefined, { signal }).catch(() => {});
          if (!signal.aborted) show(invocation, kind, sort(usesOf(kind, feed)), false);
        }
        return 130;
      } finally {
        await feed.close();
      }
    },
    { reconnect: watch },
  );
}

type Use = HostUse | ApplicationUse;
type Sort = (uses: readonly Use[]) => readonly Use[];

const usesOf = (kind: 'hosts' | 'applications', { state }: LiveModel): Use[] =>
  kind === 'hosts' ? hostUse(state, Date.now()) : applicationUse(state, Date.now());

/** kubectl's words `cpu` and `memory`, the busiest first; or a path into what `-o json` shows. */
async function readSorting(text: string | undefined): Promise<Sort> {
  // The memory of a host is what it has, that of an application what it uses.
  const memory = (use: Use) => ('condition' in use ? use.memoryUsedBytes : use.memoryBytes);
  const busiest =
    (of: (use: Use) => number | undefined): Sort =>
    (uses) =>
      [...uses].sort((a, b) => (of(b) ?? -1) - (of(a) ?? -1));
  if (text === undefined) return (uses) => uses;
  if (text === 'cpu') return busiest(({ cpu }) => cpu);
  if (text === 'memory') return busiest(memory);
  return (await import('../../view/jsonpath/sorting.ts')).compileSorting(text);
}

function show(
  invocation: Invocation,
  kind: 'hosts' | 'applications',
  uses: readonly Use[],
  first: boolean,
): void {
  const name = invocation.text('NAME');
  const shown = uses.filter((use) => name === undefined || use.name === name);
  if (first && name !== undefined && shown.length === 0) {
    throw new CmigError('not-found', `there is no ${kind.slice(0, -1)} "${printable(name)}"`, {
      hint: `cmig get ${kind} lists them`,
    });
  }
  if (invocation.output === 'json') {
    if (invocation.flag('watch')) invocation.print(JSON.stringify(shown));
    else invocation.printJson(shown);
    return;
  }
  if (!first) invocation.print('');
  if (shown.length === 0) invocation.notice(`no ${kind} found`);
  else invocation.stdout.write(tableOf(kind, shown, !invocation.flag('no-headers')));
}

const tableOf = (
  kind: 'hosts' | 'applications',
  uses: readonly (HostUse | ApplicationUse)[],
  headers: boolean,
): string =>
  kind === 'hosts'
    ? renderTable(hostUseColumns, uses as HostUse[], { headers })
    : renderTable(applicationUseColumns, uses as ApplicationUse[], { headers });
