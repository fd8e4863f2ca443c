// What is found of an application's running processes that decides which CPU can go on with them.
import type { ApplicationManifest } from '../../src/contract/application.ts';
import type { CodeFacts } from '../../src/contract/cpu-baseline.ts';
import { emulatedCode } from './emulated-code.ts';
import { emulatorDigest, findEmulator } from './emulator.ts';
import { type RunningProcess, unheldCode } from './unheld-code.ts';

/** Undefined where it has no baseline. */
export async function lookAtCode(
  { spec }: ApplicationManifest,
  processes: readonly RunningProcess[],
  host: { name: string; env: { PATH: string } },
): Promise<CodeFacts | undefined> {
  if (!spec.cpu) return undefined;
  if (!spec.cpu.emulated) return { unheld: await unheldCode(processes, spec.cpu) };
  const emulator = await emulatorDigest(await findEmulator(host.env, host.name));
  return { ...(await emulatedCode(processes)), emulator };
}
