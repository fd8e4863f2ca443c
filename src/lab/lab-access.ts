// How a lab is reached: with a password over its own network, or by a certificate of its own authority.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority, writeCredentials } from '../authority/authority.ts';
import type { TlsFiles } from '../broker/broker-tls.ts';
import type { BrokerConnection, ConnectOptions } from '../broker/connection.ts';
import { type Identity, identityText, type OperatorRole } from '../contract/identity.ts';
import { LabPaths } from './lab-paths.ts';
import { brokerMachine, brokerUrl, type LabPlan, machineAddress } from './lab-plan.ts';

/** The operators that a lab with TLS has, one of each role. */
export const labOperator = (role: OperatorRole): Identity => ({ role, name: 'lab' });

/** Files of one identity in `folder`, whether or not they are there. */
export const certificateFiles = (folder: string, identity: Identity): TlsFiles => ({
  ca: join(folder, 'ca.crt'),
  certificate: join(folder, `${identityText(identity)}.crt`),
  key: join(folder, `${identityText(identity)}.key`),
});

/** Makes the certificate of `identity` in `folder`, unless it is there. */
export async function ensureCertificate(plan: LabPlan, identity: Identity, folder: string): Promise<void> {
  const { key } = certificateFiles(folder, identity);
  if (existsSync(key)) return;
  const authority = await Authority.open(new LabPaths(plan.name).authority);
  const addresses = identity.role === 'broker' ? [machineAddress(plan, brokerMachine), brokerMachine] : [];
  await writeCredentials(await authority.issue(identity, { addresses }), folder, identityText(identity));
}

/** By whom and how the broker is spoken to; as the lab's admin unless another role is asked for. */
export async function labAccess(
  plan: LabPlan,
  role: OperatorRole = 'admin',
): Promise<Pick<ConnectOptions, 'url' | 'credentials' | 'tls' | 'insecure'>> {
  const paths = new LabPaths(plan.name);
  const url = brokerUrl(plan);
  if (plan.tls) return { url, tls: certificateFiles(paths.certificates, labOperator(role)) };
  const line = (await readFile(paths.credentials, 'utf8')).trim();
  const colon = line.indexOf(':');
  const credentials = { user: line.slice(0, colon), password: line.slice(colon + 1) };
  // The network is this machine's own.
  return { url, credentials, insecure: true };
}

export async function connectToLab(plan: LabPlan, name: string): Promise<BrokerConnection> {
  const { connectBroker } = await import('../broker/connection.ts');
  return connectBroker({ ...(await labAccess(plan)), name });
}
