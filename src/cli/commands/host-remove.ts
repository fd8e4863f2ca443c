// `cmig host remove`.
import { unpinKey } from '../../orchestrator/joining/host-key.ts';
import { recordOf, removeHost } from '../../orchestrator/joining/remove-host.ts';
import type { Invocation } from '../command.ts';
import { readParallel } from '../moves.ts';
import { machineOf, onMachine, pinFile } from '../on-machine.ts';
import { withOrchestrator } from '../session.ts';
import { showProgress } from '../show-progress.ts';
import { tellOfRemoval } from '../tell-broker.ts';
import { authorityFolder } from './trust.ts';

export async function remove(invocation: Invocation): Promise<void> {
  const name = invocation.required('HOST');
  const parallel = readParallel(invocation);
  const json = invocation.output === 'json';
  const report = await withOrchestrator(
    invocation,
    async (orchestrator) => {
      const machine = machineOf(invocation, await recordOf(orchestrator, name));
      const options = {
        ...{ name, parallel, signal: invocation.signal },
        keepPackages: invocation.flag('keep-packages'),
        caller: `${orchestrator.caller}: cmig host remove ${name}`,
      };
      const done = invocation.flag('lost')
        ? await showProgress(invocation, (onProgress) =>
            removeHost(orchestrator, { ...options, session: undefined, onProgress }),
          )
        : await onMachine(invocation, machine, (session, onProgress) =>
            removeHost(orchestrator, { ...options, session, onProgress }),
          );
      if (!done.isBroker) await unpinKey(pinFile(), machine.where);
      if (orchestrator.context.broker.caFile) await forgetCertificate(invocation, name);
      return done;
    },
    { reconnect: true },
  );
  if (json) return invocation.printJson(report);
  if (report.untold.length > 0)
    invocation.notice(`warning: ${report.untold.join(', ')} will hear of it when up again`);
  if (report.queueLeft !== undefined)
    invocation.notice(
      `warning: the broker keeps the queue ${report.queueLeft}; on the broker: rabbitmqctl delete_queue ${report.queueLeft}`,
    );
  invocation.print(`host/${name} removed`);
}

/** The authority forgets it, where that is here; and the broker does, where that was set up by it. */
async function forgetCertificate(invocation: Invocation, name: string): Promise<void> {
  const { Authority } = await import('../../authority/authority.ts');
  const identity = { role: 'host', name } as const;
  const authority = await Authority.open(authorityFolder(invocation)).catch(() => undefined);
  await authority?.forget(identity);
  await tellOfRemoval(invocation, authority, identity);
}
