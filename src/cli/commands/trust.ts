// `cmig init`, `cmig operator …`, `cmig host issue` and `cmig broker …`: certificates of the installation's authority.
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import {
  Authority,
  checkIdentity,
  type IssueOptions,
  makeFolder,
  writeCredentials,
} from '../../authority/authority.ts';
import { brokerDefinitions } from '../../broker/broker-definitions.ts';
import { parseBrokerUrl } from '../../broker/broker-target.ts';
import { type Identity, identityText, type OperatorRole, operatorRoles } from '../../contract/identity.ts';
import { CmigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/near-names.ts';
import { putContext } from '../change-contexts.ts';
import type { Invocation } from '../command.ts';
import { contextsFile } from '../contexts.ts';
import { tellOfCertificate, tellOfRemoval } from '../tell-broker.ts';

const configFolder = (): string => dirname(contextsFile());

/** Where the authority is unless `--dir` says otherwise; `cmig host add` takes it from there, too. */
export const authorityFolder = (invocation: Invocation): string =>
  resolve(invocation.text('dir') ?? join(configFolder(), 'authority'));

export async function init(invocation: Invocation): Promise<void> {
  const url = invocation.text('broker');
  // Before anything is made: mistakes in the URL and in the name.
  if (url !== undefined) checkBrokerUrl(url);
  const identity: Identity = { role: 'admin', name: invocation.text('operator') ?? ownName() };
  checkIdentity(identity);
  const folder = join(configFolder(), 'certificates');
  await makeFolder(folder);
  const authority = await Authority.create(authorityFolder(invocation));
  const files = await writeCredentials(await authority.issue(identity), folder, identityText(identity));
  const context = invocation.context ?? 'cmig';
  if (url !== undefined) {
    const { ca: caFile, certificate: certificateFile, key: keyFile } = files;
    await putContext({ name: context, broker: { url, caFile, certificateFile, keyFile } }, { use: true });
  }
  if (invocation.output === 'json')
    return invocation.printJson({
      ...{ authority: authority.directory, operator: identityText(identity), ...files },
      ...(url === undefined ? {} : { context }),
    });
  invocation.print(`the authority is in ${authority.directory}; whoever has its ca.key can be anybody`);
  invocation.print(`you are ${identityText(identity)}: ${files.certificate}`);
  if (url !== undefined) invocation.print(`the context "${context}" uses it, and is the current one`);
  else
    invocation.notice(
      `name your broker: cmig config set-context NAME --broker amqps://HOST/cmig --ca ${files.ca} --certificate ${files.certificate} --key ${files.key} --use`,
    );
}

export async function addOperator(invocation: Invocation): Promise<void> {
  const role = invocation.required('role') as OperatorRole;
  const name = invocation.required('NAME');
  await issue(invocation, { role, name });
  const authority = await Authority.open(authorityFolder(invocation));
  for (const other of operatorRoles)
    if (other !== role && (await authority.forget({ role: other, name })))
      await tellOfRemoval(invocation, authority, { role: other, name });
}

export async function removeOperator(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  const authority = await Authority.open(authorityFolder(invocation));
  const forgotten: Identity[] = [];
  for (const role of operatorRoles)
    if (await authority.forget({ role, name })) forgotten.push({ role, name });
  if (forgotten.length === 0) throw await unknownIdentity(authority, operatorRoles, name);
  for (const identity of forgotten) {
    invocation.print(`${identityText(identity)} is forgotten`);
    await tellOfRemoval(invocation, authority, identity);
  }
}

export async function revokeOperator(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  await revoke(
    invocation,
    operatorRoles.map((role) => ({ role, name })),
  );
}

export const revokeHost = (invocation: Invocation): Promise<void> =>
  revoke(invocation, [{ role: 'host', name: invocation.required('NAME') }]);

async function revoke(invocation: Invocation, identities: readonly Identity[]): Promise<void> {
  const authority = await Authority.open(authorityFolder(invocation));
  const revoked: Identity[] = [];
  for (const each of identities) if (await authority.revoke(each)) revoked.push(each);
  if (revoked.length === 0) {
    const roles = identities.map(({ role }) => role);
    throw await unknownIdentity(authority, roles, identities[0]!.name);
  }
  for (const identity of revoked) {
    invocation.print(`${identityText(identity)} is revoked`);
    await tellOfRemoval(invocation, authority, identity);
  }
}

async function unknownIdentity(
  authority: Authority,
  roles: readonly Identity['role'][],
  name: string,
): Promise<CmigError> {
  const known = (await authority.identities()).filter(({ role }) => roles.includes(role));
  const what = roles.includes('host') ? 'a host' : 'an operator';
  const names = known.map((each) => each.name);
  return new CmigError('not-found', `the authority has made no certificate for ${what} "${name}"`, {
    hint: didYouMean(name, names) ?? `it knows: ${[...new Set(names)].join(', ') || 'nobody'}`,
  });
}

export async function listOperators(invocation: Invocation): Promise<void> {
  const authority = await Authority.open(authorityFolder(invocation));
  const operators = (await authority.identities())
    .filter(({ role }) => operatorRoles.some((each) => each === role))
    .map((each) => ({ ...each, expiresAt: authority.validUntil(each).toISOString() }));
  if (invocation.output === 'json') return invocation.printJson(operators);
  const { renderTable } = await import('../../view/table.ts');
  const columns = [
    { header: 'NAME', value: ({ name }: Listed) => name },
    { header: 'ROLE', value: ({ role }: Listed) => role },
    { header: 'VALID UNTIL', value: ({ expiresAt }: Listed) => expiresAt.slice(0, 10) },
  ];
  invocation.stdout.write(renderTable(columns, operators));
}

type Listed = Identity & { expiresAt: string };

export const issueHost = (invocation: Invocation): Promise<void> =>
  issue(invocation, { role: 'host', name: invocation.required('NAME') });

export async function issueBroker(invocation: Invocation): Promise<void> {
  const addresses = invocation.texts('ADDRESS');
  for (const address of addresses)
    if (!isIP(address) && !/^[A-Za-z0-9*]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(address))
      throw new CmigError('invalid', `"${address}" is neither a host name nor an IP address`, {
        hint: 'name the broker as those who use it do: mq.example.org, 10.20.0.5',
      });
  await issue(invocation, { role: 'broker', name: invocation.required('NAME') }, { addresses });
}

export async function definitions(invocation: Invocation): Promise<void> {
  const authority = await Authority.open(authorityFolder(invocation));
  const [identities, revoked] = [await authority.identities(), await authority.revoked()];
  invocation.printJson(brokerDefinitions(identities, invocation.required('vhost'), revoked));
}

async function issue(invocation: Invocation, identity: Identity, options?: IssueOptions): Promise<void> {
  const authority = await Authority.open(authorityFolder(invocation));
  checkIdentity(identity);
  const text = identityText(identity);
  const folder = resolve(invocation.required('out'));
  // A certificate whose key was written nowhere would be known all the same.
  await makeFolder(folder);
  const files = await writeCredentials(await authority.issue(identity, options), folder, text);
  if (invocation.output === 'json') invocation.printJson({ name: text, ...files });
  else invocation.print(`${text}: ${files.certificate}, ${files.key}, ${files.ca}`);
  if (identity.role !== 'broker') await tellOfCertificate(invocation, authority);
}

function checkBrokerUrl(url: string): void {
  parseBrokerUrl(url);
  if (!url.startsWith('amqps:'))
    throw new CmigError('invalid', `certificates need a broker with TLS, which "${url}" is not`, {
      hint: 'write it as amqps://HOST:PORT/VHOST',
    });
}

/** A user's name may have what a certificate's may not. */
function ownName(): string {
  const name = userInfo()
    .username.toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+|-+$/g, '');
  return name || 'admin';
}
