// The certificate by which the broker knows this host: told of before it expires.
import { identityText } from '../../src/contract/identity.ts';
import { soonExpired, validUntil } from '../../src/core/certificate.ts';
import type { AgentConfig } from '../config.ts';
import { ok, problem, type Said, warning } from './findings.ts';

export async function lookAtCertificate({ name, tls }: Pick<AgentConfig, 'name' | 'tls'>): Promise<Said[]> {
  if (!tls) return [];
  const until = validUntil(tls.certificate);
  const whose = `the certificate of ${identityText({ role: 'host', name })}`;
  const hint = `where the authority is: cmig host upgrade ${name}, or "cmig host issue ${name} --out DIR" and its files to ${tls.certificate} and ${tls.key}; all goes on meanwhile`;
  if (until.getTime() <= Date.now())
    return [
      problem(`${whose} has expired: the broker takes this host no more once the connection ends`, { hint }),
    ];
  const soon = soonExpired(until);
  if (soon) return [warning(`${whose} expires on ${soon}`, { hint })];
  return [ok(`${whose} is valid until ${until.toISOString().slice(0, 10)}`)];
}
