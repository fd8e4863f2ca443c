// Has a machine's package manager install what is missing, and writes down there what came for our sake.
import { CmigError } from '../../core/errors.ts';
import { type PackageManager, packageManagers } from './packages.ts';
import type { SshSession } from './ssh-session.ts';

/** What every script there begins with. */
export const path = 'export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n';

/**
 * In `folder` there: `packages` names what was installed; while it is under way `packages.pending` names what was there
 * before; `accounts` names which users and groups. Those of them that are `optional` may be unknown to the machine's mirrors. @throws CmigError `failed` with what the package manager said
 */
export async function installPackages(
  session: SshSession,
  manager: keyof typeof packageManagers,
  packages: readonly string[],
  folder: string,
  optional: readonly string[] = [],
): Promise<void> {
  await session.run(installation(packageManagers[manager], packages, folder, optional)).catch((cause) => {
    if (!(cause instanceof CmigError) || cause.tool?.exitCode !== 100) throw cause;
    throw new CmigError('failed', `packages cannot be installed: ${packages.join(', ')}`, {
      hint: `${packageManagers[manager].absent} The whole log is ${folder}/packages.log there`,
      cause,
    });
  });
}

/** What was there before is written down first, users and groups too: whatever ends this halfway, it stays known what came for our sake. */
function installation(
  manager: PackageManager,
  packages: readonly string[],
  folder: string,
  optional: readonly string[],
): string {
  const { list, quiet, mend, refresh, install, isStuck } = manager;
  const installing = packages.length > 0 ? install(packages) : 'true';
  const needed = packages.filter((each) => !optional.includes(each));
  const oneByOne = packages
    .filter((each) => optional.includes(each))
    .map((each) => `{ ${install([each])}; } || :`);
  // Where the mirror is not reached there is nothing to be had without them either.
  const unknown = `{ grep -qE 'Unable to locate|no installation candidate|No match|find a match' "$log" && without; }`;
  return `set -e; ${path}umask 022; mkdir -p ${folder}; cd ${folder}
log=${folder}/packages.log
# Whoever was cut off may still be at it.
exec 9>packages.lock; flock 9
[ -e packages.pending ] || { ${list} | sort >packages.new; mv packages.new packages.pending; }
[ -e accounts ] || { cut -d: -f1 /etc/passwd /etc/group >accounts.new; mv accounts.new accounts; }
${quiet}
{ ${mend}; } >"$log" 2>&1 || { tail -n 5 "$log" >&2; exit 1; }
again() {
  ${installing} >>"$log" 2>&1 &
  while kill -0 "$!" 2>/dev/null; do if ${isStuck}; then kill "$!"; fail; fi; sleep 0.2; done
  wait "$!"
}
fail() { grep -E '^(E|Error|Err|Fehler):?' "$log" | tail -n 3 >&2; tail -n 1 "$log" >&2; exit 100; }
without() { { { ${needed.length > 0 ? install(needed) : 'true'}; } && { ${['true', ...oneByOne].join('; ')}; }; } >>"$log" 2>&1; }
again || { { ${refresh}; } >>"$log" 2>&1 && again; } || ${oneByOne.length > 0 ? unknown : 'false'} || fail
${list} | sort | comm -13 packages.pending - >>packages
rm -f packages.pending "$log"`;
}
