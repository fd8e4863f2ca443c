// What each step of setting up the broker does on its machine. Every one may be done again after it was cut off.
import type { Credentials } from '../../../authority/authority.ts';
import { CmigError } from '../../../core/errors.ts';
import { installPackages, path } from '../install-packages.ts';
import { textFile } from '../installed-files.ts';
import type { SshSession } from '../ssh-session.ts';
import type { BrokerState } from './broker-facts.ts';
import { brokerFolder, certificateFiles, definitionsFile } from './broker-files.ts';
import { type BrokerPlan, type BrokerStep, checkVersion, type WantedBroker } from './broker-plan.ts';

export interface BrokerWork {
  session: SshSession;
  plan: BrokerPlan;
  wanted: WantedBroker;
  /** It ran before. */
  running: boolean;
  /** Has the authority make a certificate. */
  issue: () => Promise<Credentials>;
}

export const brokerActions: Record<BrokerStep, (work: BrokerWork) => Promise<void>> = {
  async packages({ session, plan }) {
    await installPackages(session, plan.manager, plan.packages, brokerFolder);
    const { stdout } = await session.run('cd /usr/lib/rabbitmq/lib && echo rabbitmq_server-*');
    checkVersion(stdout.trim().replace('rabbitmq_server-', ''));
  },

  async certificate({ session, issue }) {
    for (const file of certificateFiles(await issue())) await session.put(file);
  },

  async configuration({ session, plan, wanted }) {
    const changes = plan.steps.find(({ step }) => step === 'configuration')!.changes;
    for (const file of wanted.configuration) if (changes.includes(file.path)) await session.put(file);
  },

  async service({ session }) {
    await session.run(
      `${path}if [ -d /run/systemd/system ]; then systemctl --quiet enable rabbitmq-server
elif command -v update-rc.d >/dev/null; then update-rc.d rabbitmq-server defaults >/dev/null
elif command -v chkconfig >/dev/null; then chkconfig --add rabbitmq-server; fi`,
    );
  },

  async start({ session, running }) {
    // It answers within seconds; where it fails, its own scripts would wait ten minutes for it.
    const script = `${path}
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if systemctl --quiet is-active epmd.socket; then systemctl stop rabbitmq-server epmd.service epmd.socket; systemctl start epmd.socket; fi
  timeout 150 systemctl restart rabbitmq-server
else
  timeout 150 /etc/init.d/rabbitmq-server "$1"
fi >/dev/null 2>&1 </dev/null && echo >${brokerFolder}/started ||
{ cat /var/log/rabbitmq/startup_log /var/log/rabbitmq/*.log 2>/dev/null | sed -n 's/^.*ERROR: *//p' | tail -n 1 >&2; exit 100; }`;
    await session.run(script, { args: [running ? 'restart' : 'start'] }).catch((cause) => {
      if (!(cause instanceof CmigError) || cause.tool?.exitCode !== 100) throw cause;
      throw new CmigError('failed', 'RabbitMQ does not start', {
        hint: 'its log is in /var/log/rabbitmq there; once what it names is mended, run this again',
        cause,
      });
    });
  },

  // One that has never run has made itself a guest meanwhile.
  users: ({ session, plan, wanted, running }) =>
    tellUsers(session, wanted.definitions, running ? plan.leaving : ['guest']),
};

/** Has RabbitMQ take in who there is, and forget who left. */
export async function tellUsers(
  session: SshSession,
  definitions: BrokerState,
  leaving: readonly string[],
): Promise<void> {
  await session.put(textFile(definitionsFile, '644', JSON.stringify(definitions)));
  // Who is removed is not to stay because of a connection that is open.
  const script = `set -e; ${path}rabbitmqctl -q import_definitions "$1" >&2; shift
for user; do
  rabbitmqctl -q delete_user "$user" >/dev/null 2>&1 || ! rabbitmqctl -q list_users --no-table-headers | cut -f1 | grep -qxF "$user"
  rabbitmqctl -q close_all_user_connections "$user" removed >/dev/null 2>&1 || :
done`;
  await session.run(script, { args: [definitionsFile, ...leaving] });
}
