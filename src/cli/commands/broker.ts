// `cmig broker install` and `cmig broker remove`.
import { resolve } from 'node:path';
import { Authority } from '../../authority/authority.ts';
import { CmigError } from '../../core/errors.ts';
import { brokerConfiguration } from '../../orchestrator/joining/broker/broker-files.ts';
import { type InstallBrokerReport, installBroker } from '../../orchestrator/joining/broker/install-broker.ts';
import { forgetBroker, rememberBroker } from '../../orchestrator/joining/broker/known-broker.ts';
import { removeBroker } from '../../orchestrator/joining/broker/remove-broker.ts';
import { parseSshAddress } from '../../orchestrator/joining/ssh-address.ts';
import { describeBrokerMachine, describeBrokerPlan } from '../../view/joining.ts';
import { agreedKey } from '../agreed-key.ts';
import type { Invocation } from '../command.ts';
import { onMachine } from '../on-machine.ts';
import { authorityFolder } from './trust.ts';

/** By which the authority names the certificate of the broker that it sets up. */
const name = 'rabbitmq';

export async function install(invocation: Invocation): Promise<void> {
  const address = invocation.text('ADDRESS');
  const port = readPort(invocation);
  if (address === undefined) return print(invocation, port);
  const where = parseSshAddress(address);
  const authority = await Authority.open(authorityFolder(invocation));
  const hostKey = await agreedKey(invocation, where);
  const report = await onMachine(invocation, { where, hostKey }, async (session, onProgress) =>
    installBroker(session, {
      ...{ where, port, onProgress, signal: invocation.signal },
      addresses: invocation.texts('address'),
      vhost: invocation.text('vhost'),
      ca: authority.certificate,
      identities: await authority.identities(),
      issue: (addresses) => authority.issue({ role: 'broker', name }, { addresses }),
      dryRun: invocation.flag('dry-run'),
      onPlan(facts, plan) {
        if (invocation.output === 'json') return;
        for (const line of describeBrokerMachine(facts)) invocation.print(line);
        for (const line of describeBrokerPlan(plan)) invocation.print(`  ${line}`);
      },
    }),
  );
  const identity = invocation.text('identity');
  if (!report.dryRun)
    await rememberBroker(authority.directory, {
      ...{ where, hostKey, vhost: report.vhost },
      ...(identity === undefined ? {} : { identity: resolve(identity) }),
    });
  told(invocation, report);
}

/** What became of it. */
function told(invocation: Invocation, report: InstallBrokerReport): void {
  if (invocation.output === 'json') {
    invocation.printJson(report);
    return;
  }
  const { url, dryRun, existed, changed } = report;
  const can = existed ? 'brought in order' : 'installed';
  if (changed.length === 0) invocation.print(`broker at ${url}: no change`);
  else invocation.print(dryRun ? `broker at ${url} can be ${can} (dry run)` : `broker at ${url} ${can}`);
  if (!dryRun && !existed)
    invocation.notice(
      `whoever is to use it names it: cmig config set-context cmig --broker ${url} --ca … --certificate … --key … --use`,
    );
}

/** What a RabbitMQ needs that somebody else looks after. */
function print(invocation: Invocation, port: number | undefined): void {
  const vhost = invocation.text('vhost') ?? 'cmig';
  invocation.print(`# RabbitMQ 3.9 or newer, with the plugin rabbitmq_auth_mechanism_ssl (rabbitmq-plugins enable …).
# The three files: cmig broker issue NAME ADDRESS…; the key is for the user of RabbitMQ alone.
# Users and permissions, after each new certificate: cmig broker definitions --vhost ${vhost} > definitions.json; there: rabbitmqctl import_definitions definitions.json
# In rabbitmq.conf:`);
  invocation.print(brokerConfiguration({ port: port ?? 5671, vhost }).trimEnd());
}

export async function remove(invocation: Invocation): Promise<void> {
  const where = parseSshAddress(invocation.required('ADDRESS'));
  const hostKey = await agreedKey(invocation, where);
  await onMachine(invocation, { where, hostKey }, (session, onProgress) =>
    removeBroker(session, { onProgress, signal: invocation.signal, inUse: invocation.flag('in-use') }),
  );
  const authority = await Authority.open(authorityFolder(invocation)).catch(() => undefined);
  await authority?.forget({ role: 'broker', name });
  if (authority) await forgetBroker(authority.directory);
  invocation.print(`broker at ${where.address} removed`);
}

function readPort(invocation: Invocation): number | undefined {
  const text = invocation.text('port');
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new CmigError('invalid', `"${text}" is no port`);
}
