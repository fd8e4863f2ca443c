// This host's key pair for WireGuard, made once and kept.
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { readJsonFile, writeFileDurably } from '../store/durable-file.ts';

/** Base64, as WireGuard writes them. */
export interface EncryptionKey {
  private: string;
  public: string;
}

export async function encryptionKey(dataDirectory: string): Promise<EncryptionKey> {
  const file = join(dataDirectory, 'wireguard.json');
  const known = await readJsonFile<EncryptionKey>(file);
  if (known) return known;
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const base64 = (text: string | undefined) => Buffer.from(text ?? '', 'base64url').toString('base64');
  const key = { private: base64(d), public: base64(x) };
  await writeFileDurably(file, `${JSON.stringify(key)}\n`, 0o600);
  return key;
}
