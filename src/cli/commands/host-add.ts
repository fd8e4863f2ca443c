// `cmig host add`.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseBrokerUrl } from '../../broker/broker-target.ts';
import { checkName } from '../../core/check-name.ts';
import { CmigError } from '../../core/errors.ts';
import { type AddHostReport, addHost } from '../../orchestrator/joining/add-host.ts';
import { recordOf } from '../../orchestrator/joining/remove-host.ts';
import { parseSshAddress } from '../../orchestrator/joining/ssh-address.ts';
import { describeMachine, describePlan } from '../../view/joining.ts';
import { agreedKey } from '../agreed-key.ts';
import type { Invocation } from '../command.ts';
import type { Context } from '../contexts.ts';
import { machineOf, onMachine } from '../on-machine.ts';
import { credentialsLine, withOrchestrator } from '../session.ts';
import { tellOfCertificate } from '../tell-broker.ts';
import { authorityFolder } from './trust.ts';

export async function add(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  const json = invocation.output === 'json';
  const say = (line: string): void => (json ? undefined : invocation.print(line));
  const where = parseSshAddress(invocation.required('ADDRESS'));
  const labels = readLabels(invocation.texts('label'));
  checkGiven(invocation, name);
  const dryRun = invocation.flag('dry-run');
  const notices: string[] = [];
  const report = await withOrchestrator(invocation, async (orchestrator) => {
    const { context } = orchestrator;
    const broker = invocation.text('broker');
    // Without TLS only where the context, too, says that this is as it should be.
    if (broker !== undefined) parseBrokerUrl(broker, { insecure: context.broker.insecure });
    const hostKey = await agreedKey(invocation, where);
    return onMachine(invocation, { where, hostKey }, (session, onProgress) =>
      addHost(orchestrator, session, {
        ...{ name, where, hostKey, labels, dryRun, onProgress },
        address: invocation.text('address'),
        brokerUrl: invocation.text('broker'),
        contextUrl: context.broker.url,
        insecure: context.broker.insecure === true,
        credentials: credentialsLine(context),
        authority: authorityOf(invocation, context, name, (line) => notices.push(line)),
        bridge: invocation.text('bridge'),
        range: invocation.text('network'),
        gateway: invocation.text('gateway'),
        cgroupParent: invocation.text('cgroup-parent'),
        onPlan(facts, plan) {
          for (const line of describeMachine(facts)) say(line);
          for (const line of describePlan(plan)) say(`  ${line}`);
        },
        signal: invocation.signal,
      }),
    );
  }).finally(() => {
    for (const line of notices) invocation.notice(line);
  });
  told(invocation, report);
}

/** What is plain to see without the machine, before anything is asked of it. @throws CmigError `invalid` */
function checkGiven(invocation: Invocation, name: string): void {
  checkName('host', name);
  for (const option of ['address', 'gateway']) {
    const given = invocation.text(option);
    if (given !== undefined && !isIP(given))
      throw new CmigError('invalid', `--${option}: "${given}" is no IP address`, {
        hint: 'such as 10.20.0.2',
      });
  }
  const range = invocation.text('network');
  if (range !== undefined && !isRange(range))
    throw new CmigError('invalid', `--network: "${range}" is no range of addresses`, {
      hint: 'such as 10.77.0.0/16',
    });
  const key = invocation.text('host-key');
  if (key !== undefined && !/^(SHA256:[A-Za-z0-9+/]{43}$|[a-z0-9@.-]+\s+[A-Za-z0-9+/=]+(\s|$))/.test(key))
    throw new CmigError('invalid', `--host-key: "${key}" is neither a fingerprint nor a key`, {
      hint: "on the machine's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows it, as SHA256:…",
    });
}

function isRange(text: string): boolean {
  const [address = '', bits = ''] = text.split('/');
  return isIP(address) === 4 && /^[0-9]{1,2}$/.test(bits) && Number(bits) <= 30;
}

/** What became of it. */
function told(invocation: Invocation, report: AddHostReport): void {
  if (invocation.output === 'json') {
    invocation.printJson(report);
    return;
  }
  const { host, dryRun, changed, findings, existed } = report;
  for (const { check, message } of findings) invocation.notice(`warning: ${check}: ${message}`);
  const can = existed ? 'brought in order' : 'added';
  if (changed.length === 0) invocation.print(`host/${host}: no change`);
  else invocation.print(dryRun ? `host/${host} can be ${can} (dry run)` : `host/${host} ${can}`);
}

/** The same as adding it again with all that it was given before, by the address that its peers know. */
export async function upgrade(invocation: Invocation): Promise<void> {
  const name = invocation.required('HOST');
  const notices: string[] = [];
  const report = await withOrchestrator(invocation, async (orchestrator) => {
    const record = await recordOf(orchestrator, name);
    return onMachine(invocation, machineOf(invocation, record), (session, onProgress) =>
      addHost(orchestrator, session, {
        ...{ name, where: { address: record.address, port: record.sshPort }, hostKey: record.sshHostKey },
        contextUrl: orchestrator.context.broker.url,
        insecure: orchestrator.context.broker.insecure === true,
        credentials: credentialsLine(orchestrator.context),
        authority: authorityOf(invocation, orchestrator.context, name, (line) => notices.push(line)),
        dryRun: invocation.flag('dry-run'),
        mustExist: true,
        signal: invocation.signal,
        onProgress,
        onPlan: (_, plan) => {
          if (invocation.output !== 'json')
            for (const line of describePlan(plan)) invocation.print(`  ${line}`);
        },
      }),
    );
  }).finally(() => {
    for (const line of notices) invocation.notice(line);
  });
  told(invocation, report);
}

/**
 * Where the context knows its broker by certificates: its authority, which is opened only once a certificate is missing.
 * @param say what a person is to read once the progress has ended
 */
function authorityOf(invocation: Invocation, { broker }: Context, name: string, say: (line: string) => void) {
  if (!broker.caFile) return undefined;
  return {
    ca: readFileSync(broker.caFile, 'utf8'),
    issue: async () => {
      const { Authority } = await import('../../authority/authority.ts');
      const authority = await Authority.open(authorityFolder(invocation));
      const credentials = await authority.issue({ role: 'host', name });
      await tellOfCertificate(invocation, authority, say);
      return credentials;
    },
  };
}

/** Undefined where none is given. @throws CmigError `invalid` */
function readLabels(texts: readonly string[]): Record<string, string> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = /^([A-Za-z0-9][\w./-]*)=([\w.-]*)$/.exec(text) ?? [];
      if (key === undefined || value === undefined)
        throw new CmigError('invalid', `"${text}" is no label`, { hint: 'such as site=aws' });
      return [key, value];
    }),
  );
}
