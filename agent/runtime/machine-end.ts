// When the whole machine goes down, applications are asked to end first, as they would be by "cmig stop".
import { runProcess } from '../../src/core/run-process.ts';
import type { AgentContext } from '../context.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { startWaves } from './start-order.ts';
import { systemdIsInit } from './systemd.ts';

/** Whether systemd is on its way to power off or to a reboot. */
export async function isMachineEnding(): Promise<boolean> {
  if (!systemdIsInit) return false;
  const { stdout } = await runProcess('systemctl', ['is-system-running'], {
    allowedExitCodes: Array.from({ length: 256 }, (_, code) => code),
  });
  return stdout.trim() === 'stopping';
}

/**
 * Left alone they would be ended only after their files are unmounted, and those that heed no SIGTERM would hold up the
 * machine for 90 s. Nothing is written down of it: the agent starts them again with the machine.
 */
export async function endApplications(
  { log }: Pick<AgentContext, 'log'>,
  runtime: ContainerRuntime,
  records: readonly ApplicationRecord[],
): Promise<void> {
  const end = async (record: ApplicationRecord): Promise<void> => {
    for (const wave of startWaves(record.manifest.spec.containers).reverse())
      await Promise.all(wave.map((container) => runtime.stop(record, container)));
  };
  await Promise.all(
    records
      // What is being moved is settled between the hosts.
      .filter(({ migration }) => migration === undefined)
      .map((record) =>
        end(record).catch((error) =>
          log.warn(
            { err: error, application: record.manifest.metadata.name },
            'did not end with the machine',
          ),
        ),
      ),
  );
}
