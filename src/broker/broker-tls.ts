// The certificates by which a broker and who connects to it know each other, read from their files.
import { readFileSync, statSync } from 'node:fs';
import { CmigError } from '../core/errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate of the authority by which the broker is known. */
  ca: string;
  /** By this one we are known … */
  certificate: string;
  /** … and this proves that it is ours. */
  key: string;
}

export interface Tls {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
  /** Its common name, which is the user that the broker takes us for. */
  user: string;
}

const day = (text: string): string => new Date(text).toISOString().replace('T', ' ').slice(0, 16);
const x509 = (pem: Buffer) => new (process.getBuiltinModule('node:crypto').X509Certificate)(pem);

/** @throws CmigError `invalid` where a file is missing or none, or where others may read the key */
export function readTls(files: TlsFiles): Tls {
  const [ca, cert, key] = [read(files.ca), read(files.certificate), read(files.key)];
  if (statSync(files.key).mode & 0o077)
    throw new CmigError('invalid', `the key ${files.key} can be read by others`, {
      hint: `chmod 600 ${files.key}`,
    });
  return { ca, cert, key, user: commonName(cert, files.certificate) };
}

/**
 * Why the broker may have refused this certificate, as far as can be told from here; undefined where nothing is wrong
 * with it. Its own word for "not yet valid" is "expired", and often it says nothing and hangs up.
 */
export function whatIsWrongWith({ ca, cert, user }: Tls): { message: string; hint: string } | undefined {
  const [ours, theirs] = [x509(cert), x509(ca)];
  const hint = 'have a new one made where the authority is: cmig operator add, or cmig host issue';
  if (new Date(ours.validTo) < new Date())
    return { message: `the certificate of ${user} expired at ${day(ours.validTo)} UTC`, hint };
  if (new Date(ours.validFrom) > new Date())
    return {
      message: `the certificate of ${user} is not valid before ${day(ours.validFrom)} UTC`,
      hint: 'is the clock of this machine right?',
    };
  if (!ours.checkIssued(theirs) || !ours.verify(theirs.publicKey))
    return { message: `the certificate of ${user} is from another authority than the broker's`, hint };
  return undefined;
}

function commonName(cert: Buffer, file: string): string {
  try {
    const found = /^CN=(.+)$/m.exec(x509(cert).subject)?.[1];
    if (found) return found;
  } catch (cause) {
    throw new CmigError('invalid', `${file} is no certificate`, { cause });
  }
  throw new CmigError('invalid', `the certificate ${file} names nobody: it has no common name`);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CmigError('invalid', `the file ${file} cannot be read`, {
      cause,
      hint: 'certificate, key and the authority\'s certificate are made by "cmig init" and "cmig operator add"',
    });
  }
}
