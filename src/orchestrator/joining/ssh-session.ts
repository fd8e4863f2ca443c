// One SSH login to a machine, shared by everything that is done there.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { CmigError } from '../../core/errors.ts';
import { type ProcessResult, runProcess } from '../../core/run-process.ts';
import type { InstalledFile } from './installed-files.ts';
import { knownHostName, type SshAddress } from './ssh-address.ts';

export interface SshOptions {
  where: SshAddress;
  /** `type key`: no other is accepted. */
  hostKey: string;
  /** A private key; ssh's own choice if absent. */
  identity?: string | undefined;
  /** It may ask for a passphrase or a password. */
  interactive: boolean;
  signal?: AbortSignal | undefined;
}

/** Longer than any single thing that is done there. */
const longestMs = 15 * 60_000;

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

export class SshSession {
  readonly #options: SshOptions;
  readonly #folder: string;

  private constructor(options: SshOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** @throws CmigError `unreachable` that tells a refused key, a wrong host key and silence apart */
  static async open(options: SshOptions): Promise<SshSession> {
    const folder = await mkdtemp(join(tmpdir(), 'cmig-ssh-'));
    const session = new SshSession(options, folder);
    await writeFile(join(folder, 'known_hosts'), `${knownHostName(options.where)} ${options.hostKey}\n`, {
      mode: 0o600,
    });
    try {
      // Where this ends before it has closed the connection, that ends by itself.
      await session.#ssh(['-o', 'ControlMaster=yes', '-o', 'ControlPersist=30', '-N', '-f'], undefined);
      return session;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#ssh(['-O', 'exit'], undefined).catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs a script of sh there; what is secret goes by `input`, and never into the script. */
  run(script: string, options: { args?: readonly string[]; input?: string } = {}): Promise<ProcessResult> {
    const { args = [], input } = options;
    const words = ['sh', '-c', script, 'cmig', ...args].map(quoted).join(' ');
    return this.#ssh(['-o', 'ControlMaster=no'], words, input);
  }

  /** Puts a file there in one step, with nobody else able to read it meanwhile. */
  async put({ path, mode, owner = '', content }: InstalledFile): Promise<void> {
    const script = `set -e; umask 022; mkdir -p "$1"; umask 077; trap 'rm -f "$2.new"' EXIT
gzip -dc >"$2.new"; [ -z "$4" ] || chown "$4" "$2.new"; chmod "$3" "$2.new"; sync "$2.new" 2>/dev/null || :; mv -f "$2.new" "$2"`;
    const words = ['sh', '-c', script, 'cmig', dirname(path), path, mode, owner].map(quoted).join(' ');
    const bytes = typeof content === 'string' ? content : await readFile(content.file);
    // What is cut off on its way does not unpack, and so never takes the place of what is there.
    const input = await promisify(gzip)(bytes, { level: constants.Z_BEST_SPEED });
    await this.#ssh(['-o', 'ControlMaster=no'], words, input);
  }

  async #ssh(
    extra: readonly string[],
    command: string | undefined,
    input?: string | Uint8Array,
  ): Promise<ProcessResult> {
    const { where, identity, interactive, signal } = this.#options;
    const options: Record<string, string | number> = {
      Port: where.port,
      User: 'root',
      UserKnownHostsFile: join(this.#folder, 'known_hosts'),
      GlobalKnownHostsFile: '/dev/null',
      StrictHostKeyChecking: 'yes',
      UpdateHostKeys: 'no',
      CheckHostIP: 'no',
      BatchMode: interactive ? 'no' : 'yes',
      ConnectTimeout: 10,
      ServerAliveInterval: 15,
      ForwardAgent: 'no',
      ForwardX11: 'no',
      LogLevel: 'ERROR',
      ControlPath: join(this.#folder, 'control'),
      ...(identity === undefined ? {} : { IdentitiesOnly: 'yes' }),
    };
    const argv = [
      '-T',
      ...(identity === undefined ? [] : ['-i', identity]),
      ...extra,
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      '--',
      where.address,
      ...(command === undefined ? [] : [command]),
    ];
    try {
      return await runProcess('ssh', argv, {
        timeoutMs: longestMs,
        ...(input === undefined ? {} : { input }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      throw sshError(error, where);
    }
  }
}

const reasons: [RegExp, (name: string) => CmigError][] = [
  [
    /Permission denied|Too many authentication failures/,
    (name) =>
      new CmigError('unreachable', `${name} does not let this key in as root`, {
        hint: 'name the private key with --identity, and let root in by key there (PermitRootLogin prohibit-password)',
      }),
  ],
  [
    /Host key verification failed|HOST IDENTIFICATION HAS CHANGED|no matching host key type/,
    (name) =>
      new CmigError('conflict', `${name} shows another SSH host key than the one that is pinned`, {
        hint: 'somebody may be in between; see: cmig host add --help',
      }),
  ],
  [
    /No space left on device|Disk quota exceeded|enough free space|more space needed on/,
    (name) =>
      new CmigError('failed', `the disk of ${name} is full`, {
        hint: 'free some space there, and run it again',
      }),
  ],
  [
    /timed out|Connection refused|No route to host|Network is unreachable|Could not resolve|Connection (closed|reset)|Broken pipe/,
    (name) =>
      new CmigError('unreachable', `${name} is not reached by SSH`, {
        hint: 'is the machine up, and is the address right? Once it is, run the same command again',
      }),
  ],
];

/** In plain words, with what ssh or the program there has said as its cause. */
function sshError(error: unknown, where: SshAddress): unknown {
  if (!(error instanceof CmigError) || !error.tool) return error;
  const said = error.tool.output.join('\n');
  const reason = reasons.find(([pattern]) => pattern.test(said));
  if (reason) return withCause(reason[1](knownHostName(where)), error);
  const last = error.tool.output.at(-1);
  return new CmigError('tool-failed', last ?? error.message, { tool: { ...error.tool, argv: ['ssh'] } });
}

const withCause = (error: CmigError, cause: unknown): CmigError =>
  new CmigError(error.code, error.message, { hint: error.hint, cause });
