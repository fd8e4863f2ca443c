// Whether the program that a container starts can be held to a baseline, as far as its file tells.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Container } from '../../src/contract/application.ts';
import { type CpuDemand, isTrusted } from '../../src/contract/cpu-baseline.ts';
import { CmigError } from '../../src/core/errors.ts';
import { readElf } from './elf-file.ts';
import { findProgramOf } from './find-program.ts';
import { pathInRoot } from './path-in-root.ts';

const libraryFolders = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];
/** The first whose GLIBC_TUNABLES has glibc.cpu.hwcaps. */
const glibcAtLeast = 29;

/** @throws CmigError `unsupported` where it cannot be held */
export async function refuseProgram(rootfs: string, container: Container, demand: CpuDemand): Promise<void> {
  const { baseline } = demand;
  const program = await findProgramOf(container, rootfs);
  if (!program) return; // runc says what is wrong
  const name = basename(program.file);
  const elf = await readElf(program.file);
  if (!elf) return;
  const refuse = (message: string, hint: string) => {
    throw new CmigError(
      'unsupported',
      `container ${container.name} cannot be held to ${baseline}: ${message}`,
      {
        hint,
      },
    );
  };
  if (elf.asksCpu && !isTrusted(demand, name))
    refuse(
      `${name} asks the CPU by itself what it can do${elf.loader ? '' : ', and is linked statically'}`,
      `spec.cpu.emulated: true runs it by QEMU; or, if ${name} is known to keep to ${baseline}, name it in spec.cpu.trusted`,
    );
  if (elf.loader && basename(elf.loader).startsWith('ld-linux-x86-64')) {
    const minor = await glibcMinor(rootfs);
    if (minor === undefined || minor < glibcAtLeast)
      refuse(
        minor === undefined ? 'no glibc was found in its image' : `its glibc is 2.${minor}`,
        `it takes glibc 2.${glibcAtLeast} or newer`,
      );
  }
}

async function glibcMinor(rootfs: string): Promise<number | undefined> {
  const file = await firstOf(libraryFolders.map((folder) => pathInRoot(rootfs, `${folder}/libc.so.6`)));
  if (!file) return undefined;
  const told = /GNU C Library [^\n]*release version 2\.(\d+)/.exec(await readFile(file, 'latin1'));
  return told ? Number(told[1]) : undefined;
}

async function firstOf(paths: Promise<string | undefined>[]): Promise<string | undefined> {
  return (await Promise.all(paths)).find((path) => path !== undefined);
}
