// Whether the program that a container starts is made for this machine, which tells images of another architecture.
import { basename } from 'node:path';
import type { Container } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { readMachine } from './elf-file.ts';
import { findProgramOf } from './find-program.ts';

/** By e_machine of the ELF header (System V ABI), as images name it. */
const names: Record<number, string> = {
  3: '386',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'amd64',
  183: 'arm64',
  243: 'riscv64',
};
/** By Node's name of this machine: what runs on it, its own first. */
const native: Record<string, number[]> = { x64: [62, 3], arm64: [183, 40] };

/** @throws CmigError `unsupported` where it is made for another one; what is no ELF file at all, runc judges */
export async function refuseArchitecture(
  rootfs: string,
  container: Container,
  host: string,
  architecture: string = process.arch,
): Promise<void> {
  const machines = native[architecture];
  const program = machines && (await findProgramOf(container, rootfs));
  if (!program) return;
  const machine = await readMachine(program.file);
  if (machine === undefined || machines.includes(machine)) return;
  const made = names[machine] ?? `another machine (${machine})`;
  throw new CmigError(
    'unsupported',
    `container ${container.name}: ${basename(program.file)} is made for ${made}, and ${host} is ${names[machines[0]!]}`,
    { hint: 'name an image that is made for it, or another host' },
  );
}
