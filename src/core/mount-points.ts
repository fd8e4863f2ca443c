// What is mounted where, as this process sees it.
import { readFile } from 'node:fs/promises';

/** All mount points, in the order in which they were mounted. */
export async function mountPoints(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );
}

/** The mount points below a folder, that folder itself not among them; those that lie upon others first. */
export async function mountPointsBelow(folder: string): Promise<string[]> {
  return (await mountPoints()).filter((mountPoint) => mountPoint.startsWith(`${folder}/`)).reverse();
}
