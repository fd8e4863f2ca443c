// The virtual machines as the tests have them: as hosts, driven through bin/cmig as a user would, and by SSH beside.
import { afterAll, beforeAll, jest } from '@jest/globals';
import { MachineShell } from './machine-shell.ts';
import { type MachineName, pair, readScene, startMachine, untilAtWork } from './scene.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/**
 * Call it at the top of a test file. vm-a and vm-b run already, and go on; vm-old is there for this file alone, with the
 * CPU that QEMU knows by the name `old`.
 */
export function useMachines({ old }: { old?: string } = {}): Record<MachineName, MachineShell> {
  jest.setTimeout(600_000);
  const machines = {} as Record<MachineName, MachineShell>;
  let added: VirtualMachine | undefined;
  beforeAll(async () => {
    const scene = await readScene();
    for (const name of pair) machines[name] = new MachineShell(scene.shells[name]);
    if (!old) return;
    const { machine, shell } = await startMachine(scene, 'vm-old', old);
    added = machine;
    machines['vm-old'] = new MachineShell(shell);
    await machine.ready();
    await untilAtWork(scene, ['vm-a', 'vm-old']);
  }, 600_000);
  afterAll(() => added?.end(), 60_000);
  return machines;
}
