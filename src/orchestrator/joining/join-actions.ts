// What each step of joining does on the machine. Every one may be done again after it was cut off at any moment.
import type { Credentials } from '../../authority/authority.ts';
import { CmigError } from '../../core/errors.ts';
import type { HostFacts } from './host-facts.ts';
import { certificateFiles, files, hostFolder, identityFile, prefix } from './installed-files.ts';
import type { JoinPlan, JoinStep, WantedFiles } from './join-plan.ts';
import { packageManagers } from './packages.ts';
import type { SshSession } from './ssh-session.ts';

export interface JoinWork {
  session: SshSession;
  facts: HostFacts;
  plan: JoinPlan;
  wanted: WantedFiles;
  name: string;
  /** Has the authority make a certificate. */
  issue: (() => Promise<Credentials>) | undefined;
}

const path = 'export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n';

/** Only what differs. */
const putAll =
  (step: Exclude<keyof WantedFiles, 'ca' | 'encrypts'>) =>
  async ({ session, plan, wanted }: JoinWork): Promise<void> => {
    const changes = plan.steps.find((each) => each.step === step)!.changes;
    for (const file of wanted[step]) if (changes.includes(file.path)) await session.put(file);
  };

export const joinActions: Record<JoinStep, (work: JoinWork) => Promise<void>> = {
  async packages({ session, plan }) {
    const { list, mend, refresh, install } = packageManagers[plan.manager];
    const installing = plan.packages.length > 0 ? install(plan.packages) : 'true';
    // What was there before is written down first: whatever ends this halfway, it stays known what came for our sake.
    // Debian starts a daemon as soon as it is installed; policy-rc.d is the door to say no.
    const script = `set -e; ${path}umask 022; mkdir -p ${hostFolder}; cd ${hostFolder}
log=${hostFolder}/packages.log
# Whoever was cut off may still be at it.
exec 9>packages.lock; flock 9
[ -e packages.pending ] || { ${list} | sort >packages.new; mv packages.new packages.pending; }
{ ${mend}; } >"$log" 2>&1 || { tail -n 5 "$log" >&2; exit 1; }
again() { { ${installing}; } >>"$log" 2>&1; }
again || { { ${refresh}; } >>"$log" 2>&1 && again; } || { grep -E '^(E|Error|Err|Fehler):?' "$log" | tail -n 3 >&2; tail -n 1 "$log" >&2; exit 100; }
${list} | sort | comm -13 packages.pending - >>packages
rm -f packages.pending "$log"`;
    await session.run(script).catch((cause) => {
      if (!(cause instanceof CmigError) || cause.tool?.exitCode !== 100) throw cause;
      throw new CmigError('failed', `packages cannot be installed: ${plan.packages.join(', ')}`, {
        hint: `does the machine reach its package mirror? The whole log is ${hostFolder}/packages.log there`,
        cause,
      });
    });
  },

  runtime: putAll('runtime'),

  async criu({ session }) {
    const script = `${path}exec bash ${hostFolder}/setup/criu.sh ${prefix} 2>&1`;
    await session.run(script).catch((cause) => {
      const tried = cause instanceof CmigError ? (cause.tool?.output ?? []) : [];
      const problems = tried
        .filter((line) => line.startsWith('  - '))
        .map((line) => ({ message: line.slice(4) }));
      throw new CmigError('unsupported', 'no criu and runc work on its kernel', {
        hint: `put a criu and a runc of your own into /usr/local/sbin there, and run it again`,
        ...(problems.length > 0 ? { problems } : {}),
        cause,
      });
    });
  },

  async key({ session, name }) {
    const script = `set -e; ${path}umask 077; mkdir -p "\${1%/*}"
[ -s "$1" ] || { rm -f "$1.new" "$1.new.pub"; ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$1.new"; rm "$1.new.pub"; mv "$1.new" "$1"; }
chmod 600 "$1"; ssh-keygen -y -f "$1" >"$1.pub.new"; mv "$1.pub.new" "$1.pub"`;
    await session.run(script, { args: [identityFile, `cmig-${name}`] });
  },

  async certificate({ session, issue }) {
    for (const file of certificateFiles(await issue!())) await session.put(file);
  },

  configuration: putAll('configuration'),

  async sshd(work) {
    await putAll('sshd')(work);
    // A configuration that sshd refuses would lock out everybody at its next start.
    const script = `${path}sshd -t || { rm -f "$1"; exit 1; }
pid=$(cat "$2" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sshd ] && kill -HUP "$pid"; exit 0`;
    await work.session.run(script, { args: [files.sshd, work.facts.sshd.pidFile ?? '/run/sshd.pid'] });
  },

  async sysctl(work) {
    const script = `${path}[ -e ${hostFolder}/pipe-max-size ] || cat /proc/sys/fs/pipe-max-size >${hostFolder}/pipe-max-size`;
    await work.session.run(script);
    await putAll('sysctl')(work);
    await work.session.run(`${path}sysctl -q -p "$1"`, { args: [files.sysctl] });
  },

  async service(work) {
    await putAll('service')(work);
    await work.session.run(
      `${path}if [ -d /run/systemd/system ]; then systemctl daemon-reload && systemctl --quiet enable cmig-agent
elif command -v update-rc.d >/dev/null; then update-rc.d cmig-agent defaults >/dev/null
elif command -v chkconfig >/dev/null; then chkconfig --add cmig-agent; fi`,
    );
  },

  async start({ session }) {
    await session.run(
      `${path}rm -f ${hostFolder}/leaving; if [ -d /run/systemd/system ]; then systemctl restart cmig-agent; else /etc/init.d/cmig-agent restart; fi`,
    );
  },
};
