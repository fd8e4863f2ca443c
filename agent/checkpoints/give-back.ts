// Gives an application back to its supervision after a checkpoint or a restore, whatever stands in the way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from '../migration/machine.ts';

const againAfterMs = 1000;

/**
 * Where `work` fails it is done again, in the background, until it has been done or the application is not this
 * operation's any more: a disk that is full takes no record, and until it does nobody would see to the application.
 * @param id of the operation, as the application's record has it. @throws what `work` failed with the first time
 */
export async function giveBack(
  { supervisor, context }: Pick<Machine, 'supervisor' | 'context'>,
  { application, id }: { application: string; id: string },
  work: () => Promise<void>,
): Promise<void> {
  const isOurs = () => supervisor.has(application) && supervisor.record(application).migration?.id === id;
  try {
    await work();
  } catch (error) {
    context.log.error({ err: error, application }, 'could not be given back, and is tried again');
    void (async () => {
      for (;;) {
        // Keeps no agent from ending: the next one takes it up.
        await sleep(againAfterMs, undefined, { ref: false });
        if (!isOurs()) return;
        const done = await work().then(
          () => true,
          () => false,
        );
        if (done) return context.log.info({ application }, 'is given back');
      }
    })();
    throw error;
  }
}
