// A real registry on this machine's loopback, which wants a password.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';

export const user = { name: 'ali', password: 'open-sesame' };
/** bcrypt of the password. */
const passwordHash = '$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO';

export class Registry {
  /** HOST:PORT */
  readonly address: string;
  /** For $REGISTRY_AUTH_FILE. */
  readonly authFile: string;
  readonly #process: BackgroundProcess;

  private constructor(address: string, authFile: string, process: BackgroundProcess) {
    this.address = address;
    this.authFile = authFile;
    this.#process = process;
  }

  /** @param folder for what it holds; empty */
  static async start(folder: string): Promise<Registry> {
    const address = `127.0.0.1:${await freePort()}`;
    const passwords = join(folder, 'htpasswd');
    await writeFile(passwords, `${user.name}:${passwordHash}\n`);
    const config = join(folder, 'registry.json');
    await writeFile(
      config,
      JSON.stringify({
        version: 0.1,
        storage: { filesystem: { rootdirectory: join(folder, 'blobs') } },
        http: { addr: address },
        auth: { htpasswd: { realm: 'test', path: passwords } },
      }),
    );
    const auth = Buffer.from(`${user.name}:${user.password}`).toString('base64');
    const authFile = join(folder, 'auth.json');
    await writeFile(authFile, JSON.stringify({ auths: { [address]: { auth } } }), { mode: 0o600 });
    const process = spawnProcess('docker-registry', ['serve', config], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const answers = async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.status === 401;
    await waitFor(answers, { timeoutMs: 30_000, what: 'the registry answering' });
    return new Registry(address, authFile, process);
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#process.ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
