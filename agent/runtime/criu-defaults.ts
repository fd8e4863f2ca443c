// The criu options that stand in a file of their own, which every criu here reads before anything else.
import { writeFile } from 'node:fs/promises';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';

/**
 * The network lock is ours, not criu's: one container's unlock would open the way while its siblings are still being
 * restored. The configuration that runc hands over would be the place for it, but there this very option makes criu
 * 4.1 crash (criu pull request 3051), which is what Debian 13 has.
 */
const defaults = 'network-lock skip\n';

/**
 * @returns what points criu to the file, for the environment of it and of runc
 * @throws CmigError `unsupported` where this criu does not start, or is too old to know what stands there
 */
export async function writeCriuDefaults(file: string, criu: string): Promise<{ CRIU_CONFIG_FILE: string }> {
  await writeFile(file, defaults);
  const env = { CRIU_CONFIG_FILE: file };
  try {
    await runProcess(criu, ['--version'], { env, timeoutMs: 60_000 });
  } catch (cause) {
    throw new CmigError(
      'unsupported',
      `criu cannot be used: ${cause instanceof Error ? cause.message : cause}`,
      {
        hint: 'have criu 4.1 or later: name its folder in the configuration as "programs", or let scripts/setup.sh fetch one',
        cause,
      },
    );
  }
  return env;
}
