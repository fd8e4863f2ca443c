// The small authority of an installation: a key that signs one certificate for each host, operator and broker.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Identity, identityText, longestIdentity, parseIdentity } from '../contract/identity.ts';
import { namePattern } from '../contract/protocol.ts';
import { validUntil } from '../core/certificate.ts';
import { CmigError } from '../core/errors.ts';
import { makeKey, signCertificate } from './openssl.ts';

/** What somebody needs who connects to the broker; all in PEM. */
export interface Credentials {
  /** The authority's certificate: what this side trusts. */
  ca: string;
  certificate: string;
  key: string;
}

export interface IssueOptions {
  /** Names and IP addresses by which clients reach it: for a broker, and for nobody else. */
  addresses?: readonly string[];
  notBefore?: Date;
  notAfter?: Date;
}

const dayMs = 86_400_000;
const authorityDays = 3650;
const certificateDays = 365;
/** Clocks differ. */
const backdatedMs = 3_600_000;

/** Everything in its folder but `ca.key` may be seen by anybody. */
export class Authority {
  readonly directory: string;
  /** Its own certificate, in PEM. */
  readonly certificate: string;

  private constructor(directory: string, certificate: string) {
    this.directory = directory;
    this.certificate = certificate;
  }

  /** Makes one in `directory`. @throws CmigError `conflict` where there is one: it is never replaced */
  static async create(directory: string): Promise<Authority> {
    if (existsSync(join(directory, 'ca.key')))
      throw new CmigError('conflict', `there is an authority in ${directory} already`, {
        hint: 'use it: cmig operator add, cmig host add; another one would make all its certificates worthless',
      });
    await makeFolder(join(directory, 'issued'));
    await chmod(directory, 0o700);
    const key = makeKey();
    const certificate = await signCertificate({
      commonName: 'cmig authority',
      key,
      extensions: ['basicConstraints = critical, CA:TRUE, pathlen:0', 'keyUsage = critical, keyCertSign'],
      notBefore: new Date(Date.now() - backdatedMs),
      notAfter: new Date(Date.now() + authorityDays * dayMs),
    });
    await writeWhole(join(directory, 'ca.crt'), certificate, 0o644);
    await writeWhole(join(directory, 'ca.key'), key, 0o600);
    return new Authority(directory, certificate);
  }

  /** @throws CmigError `not-found` where there is none */
  static async open(directory: string): Promise<Authority> {
    const certificate = await readFile(join(directory, 'ca.crt'), 'utf8').catch(() => undefined);
    if (certificate === undefined || !existsSync(join(directory, 'ca.key')))
      throw new CmigError('not-found', `there is no authority in ${directory}`, {
        hint: 'make one with "cmig init", or name its folder with --dir',
      });
    return new Authority(directory, certificate);
  }

  /**
   * A new key and its certificate, valid for a year from now unless said otherwise. Only the certificate is kept here.
   * @throws CmigError as checkIdentity(); `conflict` where one of that name was revoked, and is still valid
   */
  async issue(identity: Identity, options: IssueOptions = {}): Promise<Credentials> {
    const commonName = identityText(identity);
    checkIdentity(identity);
    await this.#refuseRevoked(identity);
    const key = makeKey();
    const { addresses = [], notBefore, notAfter } = options;
    const certificate = await signCertificate({
      commonName,
      key,
      extensions: [
        'basicConstraints = critical, CA:FALSE',
        'keyUsage = critical, digitalSignature',
        // So that nobody who may connect to the broker can pose as the broker.
        `extendedKeyUsage = ${identity.role === 'broker' ? 'serverAuth' : 'clientAuth'}`,
        ...(addresses.length > 0 ? [`subjectAltName = ${addresses.map(alternativeName).join(', ')}`] : []),
      ],
      notBefore: notBefore ?? new Date(Date.now() - backdatedMs),
      notAfter: notAfter ?? new Date(Date.now() + certificateDays * dayMs),
      signer: {
        certificate: this.certificate,
        key: await readFile(join(this.directory, 'ca.key'), 'utf8'),
      },
    });
    await writeWhole(join(this.directory, 'issued', `${commonName}.crt`), certificate, 0o644);
    return { ca: this.certificate, certificate, key };
  }

  /** Whom it has issued certificates to, and whom nobody has forgotten since. */
  identities(): Promise<Identity[]> {
    return this.#list('issued');
  }

  /** Whose certificates are to be taken from nobody, since others have them. */
  revoked(): Promise<Identity[]> {
    return this.#list('revoked');
  }

  async #list(folder: 'issued' | 'revoked'): Promise<Identity[]> {
    const files = await readdir(join(this.directory, folder)).catch(() => []);
    return files.sort().flatMap((file) => parseIdentity(file.replace(/\.crt$/, '')) ?? []);
  }

  #file(folder: 'issued' | 'revoked', identity: Identity): string {
    return join(this.directory, folder, `${identityText(identity)}.crt`);
  }

  /** Until when the last one that was issued to `identity` is valid. */
  validUntil(identity: Identity): Date {
    return validUntil(this.#file('issued', identity));
  }

  /** The name is known by the broker, and not the certificate: so it is of no use to anybody while an old one is valid. */
  async revoke(identity: Identity): Promise<boolean> {
    const file = this.#file('issued', identity);
    if (!existsSync(file)) return false;
    await mkdir(join(this.directory, 'revoked'), { recursive: true, mode: 0o700 });
    await rename(file, this.#file('revoked', identity));
    return true;
  }

  async #refuseRevoked(identity: Identity): Promise<void> {
    const file = this.#file('revoked', identity);
    if (!existsSync(file)) return;
    const until = validUntil(file);
    if (until.getTime() > Date.now())
      throw new CmigError('conflict', `${identityText(identity)} was revoked`, {
        hint: `choose another name: with this one the old certificate would be good again, until ${until.toISOString().slice(0, 10)}`,
      });
    await rm(file);
  }

  /** Its certificate stays valid until it expires: who is to be kept out must lose the broker's user too. */
  async forget(identity: Identity): Promise<boolean> {
    const file = this.#file('issued', identity);
    const existed = existsSync(file);
    await rm(file, { force: true });
    return existed;
  }
}

/** @throws CmigError `invalid` where the name is none, or longer than a certificate's may be */
export function checkIdentity({ role, name }: Identity): void {
  const longest = longestIdentity - role.length - 1;
  if (new RegExp(namePattern).test(name) && name.length <= longest) return;
  throw new CmigError('invalid', `"${name}" is no name for a certificate`, {
    hint: `up to ${longest} lower-case letters, digits and dashes, not beginning or ending with a dash`,
  });
}

/** Writes `NAME.crt`, `NAME.key` (0600) and `ca.crt` into `directory`. @returns their paths */
export async function writeCredentials(
  { ca, certificate, key }: Credentials,
  directory: string,
  name: string,
): Promise<{ ca: string; certificate: string; key: string }> {
  await makeFolder(directory);
  const files = {
    ca: join(directory, 'ca.crt'),
    certificate: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  };
  await writeWhole(files.key, key, 0o600);
  await writeWhole(files.certificate, certificate, 0o644);
  await writeWhole(files.ca, ca, 0o644);
  return files;
}

/** For what nobody else may read. @throws CmigError `invalid` */
export async function makeFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw new CmigError('invalid', `the folder ${directory} cannot be made`, {
      hint: 'name another one',
      cause,
    });
  });
}

let written = 0;

/** The mode from the first byte on, whatever was there before. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const aside = `${file}.${process.pid}-${++written}`;
  await rm(aside, { force: true });
  await writeFile(aside, text, { mode, flag: 'wx' });
  await rename(aside, file);
}

const alternativeName = (address: string): string =>
  `${/^[0-9.]+$|:/.test(address) ? 'IP' : 'DNS'}:${address}`;
