// What each step of joining does on the machine. Every one may be done again after it was cut off at any moment.
import type { Credentials } from '../../authority/authority.ts';
import { CmigError } from '../../core/errors.ts';
import type { HostFacts } from './host-facts.ts';
import { installPackages, path } from './install-packages.ts';
import { certificateFiles, files, hostFolder, identityFile, prefix } from './installed-files.ts';
import { type JoinPlan, type JoinStep, optionalPackages, type WantedFiles } from './join-plan.ts';
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

/** Only what differs. */
const putAll =
  (step: Exclude<keyof WantedFiles, 'ca' | 'encrypts'>) =>
  async ({ session, plan, wanted }: JoinWork): Promise<void> => {
    const changes = plan.steps.find((each) => each.step === step)!.changes;
    for (const file of wanted[step]) if (changes.includes(file.path)) await session.put(file);
  };

export const joinActions: Record<JoinStep, (work: JoinWork) => Promise<void>> = {
  packages: ({ session, plan }) =>
    installPackages(session, plan.manager, plan.packages, hostFolder, optionalPackages),

  runtime: putAll('runtime'),

  async criu({ session, facts }) {
    const script = `${path}exec bash ${hostFolder}/setup/criu.sh ${prefix} 2>&1`;
    await session.run(script).catch((cause) => {
      const tried = cause instanceof CmigError ? (cause.tool?.output ?? []) : [];
      const problems = tried
        .filter((line) => line.startsWith('  - '))
        .map((line) => ({ message: line.slice(4) }));
      throw new CmigError('unsupported', 'no criu and runc work on its kernel', {
        hint: `put a criu and a runc of your own into /usr/local/sbin there${facts.distribution.id === 'ubuntu' ? ' (Ubuntu has a criu in ppa:criu/ppa)' : ''}, and run it again`,
        // What was said beside them says the same once more.
        ...(problems.length > 0 ? { problems } : { cause }),
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
