// Which files a process writes through memory: the kernel does not change a file's time at every such write.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The paths of all files that the processes have mapped shared and writable, as these processes see them.
 * A process that ends meanwhile maps nothing any more.
 */
export async function listMappedFiles(pids: readonly number[]): Promise<string[]> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '')));
  return [...new Set(texts.flatMap(readMappedFiles))];
}

/** From the text of /proc/PID/maps: `7f57c89e1000-7f57c89e3000 rw-s 00000000 fe:00 2146399     /data/file`. */
export function readMappedFiles(maps: string): string[] {
  return [...maps.matchAll(/^\S+ .w.s \S+ \S+ \d+ +(\/.*)$/gm)]
    .map(([, path = '']) => path.replaceAll('\\012', '\n'))
    .filter((path) => !path.endsWith(' (deleted)'));
}

/** The processes of a cgroup and of those below it. */
export async function listProcesses(cgroupFolder: string): Promise<number[]> {
  const [own, entries] = await Promise.all([
    readFile(join(cgroupFolder, 'cgroup.procs'), 'utf8').catch(() => ''),
    readdir(cgroupFolder, { withFileTypes: true }).catch(() => []),
  ]);
  const below = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => listProcesses(join(cgroupFolder, entry.name))),
  );
  return [...own.split('\n').filter(Boolean).map(Number), ...below.flat()];
}

export interface ContainerFiles {
  name: string;
  volumes: readonly { name: string; mountPath: string }[];
}

/** Where a file that a container sees lies below its application's folder; it may not be there (a tmpfs, the image). */
export function locateFile({ name, volumes }: ContainerFiles, path: string): string {
  const volume = volumes
    .filter(({ mountPath }) => path.startsWith(mountPath.endsWith('/') ? mountPath : `${mountPath}/`))
    .sort((a, b) => b.mountPath.length - a.mountPath.length)[0];
  return volume
    ? join('volumes', volume.name, path.slice(volume.mountPath.length))
    : join('containers', name, 'upper', path);
}
