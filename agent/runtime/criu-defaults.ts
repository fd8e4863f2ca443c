// The criu options that stand in a file of their own, which every criu here reads before anything else.
import { writeFile } from 'node:fs/promises';

/**
 * The network lock is ours, not criu's: one container's unlock would open the way while its siblings are still being
 * restored. The configuration that runc hands over would be the place for it, but there this very option makes criu
 * 4.1 crash (criu pull request 3051), which is what Debian 13 has.
 */
const defaults = 'network-lock skip\n';

/** @returns what points criu to the file, for the environment of it and of runc */
export async function writeCriuDefaults(file: string): Promise<{ CRIU_CONFIG_FILE: string }> {
  await writeFile(file, defaults);
  return { CRIU_CONFIG_FILE: file };
}
