// `cmig top`: what hosts and applications use.
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError } from '../../core/errors.ts';
import { printable, renderTable } from '../../view/table.ts';
import { TopologyFeed } from '../../view/topology/topology-feed.ts';
import { untilMeasured } from '../../view/topology/until-measured.ts';
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
  return withOrchestrator(
    invocation,
    async (session) => {
      const feed = new TopologyFeed(session, { past: false });
      try {
        await feed.start();
        await untilMeasured(feed);
        show(invocation, kind, feed, true);
        if (!watch) return 0;
        const { signal } = invocation;
        while (!signal.aborted) {
          await sleep(everyMs, undefined, { signal }).catch(() => {});
          if (!signal.aborted) show(invocation, kind, feed, false);
        }
        return 130;
      } finally {
        await feed.close();
      }
    },
    { reconnect: watch },
  );
}

function show(
  invocation: Invocation,
  kind: 'hosts' | 'applications',
  { state }: TopologyFeed,
  first: boolean,
): void {
  const name = invocation.text('NAME');
  const uses: (HostUse | ApplicationUse)[] =
    kind === 'hosts' ? hostUse(state, Date.now()) : applicationUse(state, Date.now());
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
