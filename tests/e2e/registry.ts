// A real registry on this machine's loopback, which wants a password.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';
import { freePorts } from '../free-ports.ts';

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
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
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
    // setpriv: the kernel ends it when this process ends, however that comes about.
    const daemon = ['docker-registry', 'serve', config];
    const process = spawnProcess('setpriv', ['--pdeathsig', 'KILL', '--', ...daemon], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const answers = async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.status === 401;
    await waitFor(answers, { timeoutMs: 60_000, what: 'the registry answering' });
    return new Registry(address, authFile, process);
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#process.ended;
  }
}
