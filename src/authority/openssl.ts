// What the authority has openssl do: keys and signatures, each in a folder of its own that is gone afterwards.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../core/run-process.ts';

/** A new EC key (P-256: the broker's Erlang, Node and openssl all take it), PKCS #8 in PEM. */
export const makeKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

export interface CertificateRequest {
  commonName: string;
  /** Its private key, in PEM. */
  key: string;
  /** Lines of an extension section, such as `extendedKeyUsage = clientAuth`. */
  extensions: string[];
  notBefore: Date;
  notAfter: Date;
  /** Who signs; itself where absent. */
  signer?: { certificate: string; key: string };
}

/** The signed certificate in PEM. Keys go by files that only this user can read, never by a command line. */
export async function signCertificate(request: CertificateRequest): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cmig-authority-'));
  const file = (name: string): string => join(folder, name);
  const put = (name: string, text: string): Promise<void> => writeFile(file(name), text, { mode: 0o600 });
  const { commonName, key, signer } = request;
  try {
    await Promise.all([
      put('config', configuration(request)),
      put('key', key),
      put('issued', ''),
      ...(signer ? [put('ca.crt', signer.certificate), put('ca.key', signer.key)] : []),
    ]);
    const subject = ['-config', file('config'), '-key', file('key'), '-subj', `/CN=${commonName}`];
    await openssl(folder, ['req', '-new', ...subject, '-out', file('request')]);
    const signing = signer
      ? ['-cert', file('ca.crt'), '-keyfile', file('ca.key')]
      : ['-selfsign', '-keyfile', file('key')];
    const dates = ['-startdate', asn1Time(request.notBefore), '-enddate', asn1Time(request.notAfter)];
    const files = ['-config', file('config'), '-in', file('request'), '-out', file('certificate')];
    await openssl(folder, ['ca', '-batch', '-notext', ...files, ...signing, ...dates]);
    return await readFile(file('certificate'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const openssl = (folder: string, args: string[]) =>
  runProcess('openssl', args, { cwd: folder, env: { LC_ALL: 'C', RANDFILE: join(folder, 'random') } });

/** 20261125223000Z */
const asn1Time = (date: Date): string => `${date.toISOString().replace(/\.\d+Z$|[-:T]/g, '')}Z`;

const configuration = ({ extensions }: CertificateRequest): string => `[req]
distinguished_name = name
[name]
[ca]
default_ca = authority
[authority]
database = issued
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
x509_extensions = extensions
[anything]
commonName = supplied
[extensions]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
${extensions.join('\n')}
`;
