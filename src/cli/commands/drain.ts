// `cmig drain`.
import { drainHost } from '../../orchestrator/moving/drain-host.ts';
import type { Invocation } from '../command.ts';
import { endMoves, readParallel, waitsForOutcomes } from '../moves.ts';
import { withOrchestrator } from '../session.ts';
import { showProgress } from '../show-progress.ts';

export async function run(invocation: Invocation): Promise<number> {
  const host = invocation.required('HOST');
  const dryRun = invocation.flag('dry-run');
  const parallel = readParallel(invocation);
  const say = (line: string): void => {
    if (invocation.output !== 'json') invocation.print(line);
  };
  const report = await withOrchestrator(
    invocation,
    (session) =>
      showProgress(
        invocation,
        (onProgress) =>
          drainHost(session, {
            ...{ host, dryRun, parallel, onProgress },
            to: invocation.texts('to'),
            toSelector: invocation.text('to-selector'),
            selector: invocation.text('selector'),
            strategy: invocation.text('strategy'),
            signal: invocation.signal,
            onCordoned: (changed) => say(`host/${host} ${changed ? 'cordoned' : 'already cordoned'}`),
            caller: `${session.caller}: cmig drain ${host}`,
          }),
        waitsForOutcomes,
      ),
    { reconnect: true },
  );
  const code = endMoves(invocation, report, {
    failed: `did not leave ${host}`,
    ...(dryRun ? {} : { hint: `${host} stays cordoned; lift it with: cmig uncordon ${host}` }),
  });
  if (code === 0) say(dryRun ? `host/${host} can be drained (dry run)` : `host/${host} drained`);
  return code;
}
