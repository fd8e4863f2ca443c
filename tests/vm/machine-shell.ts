// A virtual machine as it is reached from this one: through one SSH session that stays open.
import { join } from 'node:path';
import {
  type BackgroundProcess,
  type ProcessResult,
  runProcess,
  spawnProcess,
} from '../../src/core/run-process.ts';

export interface ShellOptions {
  name: string;
  /** Where the way to the session is; its path is short, for the socket's sake. */
  folder: string;
  /** A port of loopback. */
  sshPort: number;
  /** The private key that opens it. */
  key: string;
}

/** Many times what it takes on a quiet machine. */
const limitMs = 240_000;

export class MachineShell {
  readonly name: string;
  readonly #options: ShellOptions;

  constructor(options: ShellOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Opens the session that all commands go through; it ends with this process, however that comes about. */
  openSession(): BackgroundProcess {
    return spawnProcess(
      'setpriv',
      ['--pdeathsig', 'KILL', '--', 'ssh', ...this.#ssh(), '-M', '-N', 'root@127.0.0.1'],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
  }

  async hasSession(): Promise<boolean> {
    const check = [...this.#ssh(), '-O', 'check', 'root@127.0.0.1'];
    return (await runProcess('ssh', check, { allowedExitCodes: [0, 255] })).exitCode === 0;
  }

  /** What a program on it printed. @throws CmigError where it fails */
  async run(...argv: string[]): Promise<string> {
    return (await this.#execute(argv, [0])).stdout;
  }

  /** The same, where it is the result that counts. */
  try(...argv: string[]): Promise<ProcessResult> {
    return this.#execute(
      argv,
      Array.from({ length: 256 }, (_, code) => code),
    );
  }

  /** Connections to `port` of loopback here come from this machine there. */
  async forward(port: number, address: string, remotePort: number): Promise<void> {
    const forwarding = `${port}:${address}:${remotePort}`;
    await runProcess('ssh', [...this.#ssh(), '-O', 'forward', '-L', forwarding, 'root@127.0.0.1']);
  }

  #execute(argv: string[], allowedExitCodes: number[]): Promise<ProcessResult> {
    // SSH knows no argument vector: a shell takes it apart again.
    const quoted = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    return runProcess('ssh', [...this.#ssh(), 'root@127.0.0.1', '--', ...quoted], {
      allowedExitCodes,
      timeoutMs: limitMs,
    });
  }

  #ssh(): string[] {
    const options = {
      IdentityFile: this.#options.key,
      IdentitiesOnly: 'yes',
      BatchMode: 'yes',
      StrictHostKeyChecking: 'no',
      UserKnownHostsFile: '/dev/null',
      LogLevel: 'ERROR',
      ConnectTimeout: '240',
      ControlPath: join(this.#options.folder, `${this.name}.ssh`),
    };
    return [
      ...['-F', '/dev/null', '-p', String(this.#options.sshPort)],
      ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    ];
  }
}
