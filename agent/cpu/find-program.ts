// Which file the kernel would load for a command of a container: for a script, its interpreter.
import { open, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Container } from '../../src/contract/application.ts';
import { completeContainer } from '../../src/contract/defaults.ts';
import { pathInRoot } from './path-in-root.ts';

/** A script whose interpreter is a script … */
const interpretersAtMost = 4;

export interface Surroundings {
  /** Of the container, on this host. */
  rootfs: string;
  /** Its PATH. */
  path: string;
  workingDir: string;
}

export interface FoundProgram {
  /** On this host. */
  file: string;
  /** In the container, with what the kernel puts before the arguments for a script. */
  argv: string[];
}

/** @returns undefined where there is none */
export async function findProgram(
  command: readonly string[],
  { rootfs, path, workingDir }: Surroundings,
): Promise<FoundProgram | undefined> {
  const [name = '', ...rest] = command;
  const places = name.includes('/')
    ? [isAbsolute(name) ? name : join(workingDir, name)]
    : path.split(':').map((folder) => join(folder, name));
  const files = await Promise.all(places.map((place) => fileInRoot(rootfs, place)));
  const index = files.findIndex((each) => each !== undefined);
  let file = files[index];
  let argv = [places[index] ?? name, ...rest];
  for (let depth = 0; file && depth < interpretersAtMost; depth += 1) {
    const interpreter = await interpreterOf(file);
    if (!interpreter) return { file, argv };
    argv = [...interpreter, ...argv];
    file = await fileInRoot(rootfs, interpreter[0]!);
  }
  return file ? { file, argv } : undefined;
}

/** Of what a container starts. */
export async function findProgramOf(container: Container, rootfs: string): Promise<FoundProgram | undefined> {
  const { command, env, workingDir } = completeContainer(container);
  const path = env.find(({ name }) => name === 'PATH')?.value ?? '';
  return findProgram(command, { rootfs, path, workingDir });
}

/** To open anything else, such as a FIFO, could take for ever. */
async function fileInRoot(rootfs: string, path: string): Promise<string | undefined> {
  const file = await pathInRoot(rootfs, path);
  return file && (await stat(file)).isFile() ? file : undefined;
}

/** The interpreter of a script, and the one argument that it may be given. */
async function interpreterOf(file: string): Promise<string[] | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    const line = /^#![ \t]*(\S+)(?:[ \t]+([^\n]*?))?[ \t]*(\n|$)/.exec(
      buffer.toString('latin1', 0, bytesRead),
    );
    return line?.[1] ? [line[1], ...(line[2] ? [line[2]] : [])] : undefined;
  } finally {
    await handle.close();
  }
}
