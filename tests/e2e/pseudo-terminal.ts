// A real terminal with a shell on it: keys go in, and what the screen shows is read as xterm would draw it.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import xterm from '@xterm/headless';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { artifacts, root, settings } from './settings.ts';

export const keys = {
  down: '\x1b[B',
  up: '\x1b[A',
  enter: '\r',
  escape: '\x1b',
  ctrlZ: '\x1a',
  ctrlC: '\x03',
};
const prompt = 'ready>';
/** The shell that script(1) starts has a prompt of its own, which it would hand on. */
const shell = `exec env 'PS1=${prompt} ' bash --norc --noprofile -i`;

let kept = 0;

export class PseudoTerminal {
  readonly #process: BackgroundProcess;
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  readonly #folder: string;
  #device = '';

  private constructor(folder: string, columns: number, rows: number) {
    this.#folder = folder;
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    // script(1) makes the pseudo-terminal; it belongs to util-linux, so every Debian has it. It heeds no signal but this
    // one while a program runs, and with it the terminal goes, which hangs up on that program: also where the test is killed.
    const script = ['script', '-qfc', shell, '/dev/null'];
    this.#process = spawnProcess('setpriv', ['--pdeathsig', 'KILL', '--', ...script], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        TERM: 'xterm-256color',
        LC_ALL: 'C.UTF-8',
        CMIG_CONFIG: settings.config,
        PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      },
    });
    this.#process.stdout!.on('data', (chunk: Uint8Array) => this.#terminal.write(chunk));
    // What a terminal answers when it is asked what it is.
    this.#terminal.onData((answer) => this.press(answer));
  }

  static async open(columns: number, rows: number): Promise<PseudoTerminal> {
    const opened = new PseudoTerminal(await mkdtemp(join(tmpdir(), 'cmig-tty-')), columns, rows);
    await opened.shows(prompt).catch(async (error) => {
      await opened.close();
      throw error;
    });
    opened.#device = (await opened.run('tty')).trim();
    await opened.resize(columns, rows);
    return opened;
  }

  press(...pressed: string[]): void {
    for (const key of pressed) this.#process.stdin!.write(key);
  }

  /** Gives the shell a command to begin. */
  begin(command: string): void {
    this.press(`clear; ${command}\r`);
  }

  /** Gives the shell a program to begin, and answers its process id. */
  async start(command: string): Promise<number> {
    const file = join(this.#folder, 'pid');
    await rm(file, { force: true });
    this.begin(`sh -c 'echo $$ > ${file}; exec ${command}'`);
    const read = async () => Number(await readFile(file, 'utf8').catch(() => '')) || undefined;
    return waitFor(read, { timeoutMs: 60_000, intervalMs: 20, what: command });
  }

  /** Starts a program of Node's that crashes when it gets SIGUSR2. */
  async startToCrash(command: string): Promise<number> {
    const file = join(this.#folder, 'crash.mjs');
    await writeFile(file, "process.on('SIGUSR2', () => { throw new Error('a crash'); });\n");
    return this.start(`env NODE_OPTIONS=--import=${file} ${command}`);
  }

  /** Runs a command in the shell to its end, and answers what it printed. */
  async run(command: string): Promise<string> {
    const file = join(this.#folder, 'output');
    await rm(`${file}.done`, { force: true });
    this.begin(`${command} > ${file} 2>&1; touch ${file}.done`);
    await waitFor(() => readFile(`${file}.done`).catch(() => undefined), {
      timeoutMs: 60_000,
      intervalMs: 20,
      what: command,
    });
    return readFile(file, 'utf8');
  }

  /** The modes of the terminal, as stty tells them, without its size. */
  async modes(): Promise<string> {
    return (await this.run('stty -a')).replace(/rows \d+; columns \d+;/, '');
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.#terminal.resize(columns, rows);
    await runProcess('stty', ['-F', this.#device, 'rows', String(rows), 'cols', String(columns)]);
  }

  screen(): string[] {
    const buffer = this.#terminal.buffer.active;
    return Array.from({ length: this.#terminal.rows }, (_, row) =>
      (buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** Whether the screen is the one that programs like this one draw on, and not the shell's. */
  get isAlternate(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  /** Settles when the screen shows it. @throws with the screen where it never does */
  async shows(what: string | RegExp, timeoutMs = 60_000): Promise<void> {
    const isShown = () => {
      const text = this.screen().join('\n');
      return (typeof what === 'string' ? text.includes(what) : what.test(text)) || undefined;
    };
    await waitFor(async () => isShown(), { timeoutMs, intervalMs: 10, what: String(what) }).catch(() => {
      throw new Error(`the screen does not show ${what}:\n${this.screen().join('\n')}`);
    });
  }

  /** Settles when the shell waits for a command again. */
  async isShell(): Promise<void> {
    await this.shows(new RegExp(`${prompt}\\s*$`));
  }

  /** Keeps the screen as text where CI can show it. */
  async keep(name: string): Promise<void> {
    kept += 1;
    const folder = join(artifacts, 'screens');
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, `${String(kept).padStart(2, '0')}-${name}.txt`),
      `${this.screen().join('\n')}\n`,
    );
  }

  async close(): Promise<void> {
    this.#process.stdin!.end();
    this.#process.kill('SIGKILL');
    await this.#process.ended;
    this.#terminal.dispose();
    await rm(this.#folder, { recursive: true });
  }
}
