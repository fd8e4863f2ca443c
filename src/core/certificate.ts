// Until when a certificate is valid, and when that is soon.
import { readFileSync } from 'node:fs';

const dayMs = 86_400_000;
/** So long before it expires a certificate is made anew, and who looks is told. */
export const renewalMs = 30 * dayMs;

/** Until when the certificate in a PEM file is valid. @throws where there is none */
export const validUntil = (file: string): Date =>
  new Date(new (process.getBuiltinModule('node:crypto').X509Certificate)(readFileSync(file)).validTo);

/** `2027-03-01, in 12 days`, where that is nearer than renewalMs; undefined otherwise. */
export function soonExpired(until: Date, now = Date.now()): string | undefined {
  const leftMs = until.getTime() - now;
  if (leftMs >= renewalMs) return undefined;
  const days = Math.max(0, Math.floor(leftMs / dayMs));
  return `${until.toISOString().slice(0, 10)}, in ${days === 1 ? 'one day' : `${days} days`}`;
}
