// What the command line does with a running application: logs, exec, events, completion, and how it ends.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Event } from '../../src/contract/events.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import {
  cmig,
  cmigJson,
  cmigOk,
  cmigWith,
  follow,
  images,
  inShell,
  lab,
  root,
  tryOnHost,
  useLab,
} from './lab.ts';
import { keys, PseudoTerminal } from './pseudo-terminal.ts';
import { labName, settings } from './settings.ts';

useLab();

let folder: string;
/** Before the application was made: a lab that was kept has heard of others before. */
const began = new Date().toISOString();

/** One container counts on standard output, ten numbers a second; the other one says one line and sleeps. */
const pair = `
apiVersion: cmig.dev/v1
kind: Application
metadata: {name: pair}
spec:
  host: host-a
  containers:
    - name: count
      image: dir:busybox
      command: [sh, -c, 'n=0; while :; do n=$((n+1)); echo "number $n"; sleep 0.1; done']
      stopTimeout: 100ms
    - name: quiet
      image: dir:busybox
      command: [sh, -c, 'echo only line; exec sleep 1000000']
      ready: {exec: ['true']}
      stopTimeout: 100ms
`;

beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'cli-'));
  await writeFile(
    join(folder, 'pair.yaml'),
    pair.replaceAll('dir:busybox', `dir:${join(images, 'busybox')}`),
  );
  await cmigOk('apply', '--wait', '--allow-outside', '-f', join(folder, 'pair.yaml'));
});
afterAll(() => rm(folder, { recursive: true }));

const numberOf = (line: string): number => Number(/number (\d+)$/.exec(line)?.[1]);
const countedFrom = (lines: readonly string[]): number[] =>
  lines.filter((line) => line.includes('number')).map(numberOf);
const consecutive = (first: number, length: number) => Array.from({ length }, (_, index) => first + index);

describe('logs', () => {
  it('are bare for one container, and bear its name where there are several', async () => {
    // Ready it is before conmon has written down what it said.
    const quiet = async () => (await cmigOk('logs', 'pair', '-c', 'quiet')) || undefined;
    expect(await waitFor(quiet, { timeoutMs: 60_000, what: 'the only line' })).toBe('only line\n');
    const lines = (await cmigOk('logs', 'pair')).trim().split('\n');
    expect(lines.filter((line) => line === 'quiet | only line')).toHaveLength(1);
    expect(lines.filter((line) => /^count \| number \d+$/.test(line)).length).toBe(lines.length - 1);
  });

  it('end with the last lines, or begin at a time', async () => {
    const read = async (...since: string[]) =>
      (await cmigOk('logs', 'pair', '-c', 'count', ...since, '-o', 'json'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { application: string; line: string; time: string });
    const sixLines = async () => {
      const lines = await read();
      return lines.length > 5 && lines;
    };
    const all = await waitFor(sixLines, { timeoutMs: 60_000, what: 'six lines' });
    const tail = (await cmigOk('logs', 'pair', '-c', 'count', '--tail', '3'))
      .trim()
      .split('\n')
      .map(numberOf);
    expect(tail).toEqual(consecutive(tail[0]!, 3));
    const since = all[5]!.time;
    // conmon writes the same time to lines that it has read at once.
    const expected = all.filter(({ time }) => Date.parse(time) >= Date.parse(since));
    const found = await read('--since', since);
    expect(found.slice(0, expected.length)).toEqual(expected);
    expect(found[0]).toMatchObject({ application: 'pair', container: 'count' });
    expect((await read('--since', '1h'))[0]).toMatchObject({ line: 'number 1' });
  });

  it('are followed through a move, no line missing and none twice', async () => {
    const first = await cmigJson<Application>('get', 'app', 'pair');
    const to = first.status.host === 'host-a' ? 'host-b' : 'host-a';
    const logs = follow('logs', 'pair', '-f');
    await waitFor(() => logs.lines().length > 2, { timeoutMs: 60_000, what: 'the first line' });
    await cmigOk('migrate', 'pair', to);
    const atCommit = countedFrom(logs.lines()).length;
    await waitFor(() => countedFrom(logs.lines()).length > atCommit + 15, {
      timeoutMs: 60_000,
      what: 'lines from the new host',
    });
    expect(await logs.interrupt()).toMatchObject({ exitCode: 130 });
    const numbers = countedFrom(logs.lines());
    expect(numbers).toEqual(consecutive(1, numbers.length));
    expect(logs.lines().filter((line) => line.includes('only line'))).toHaveLength(1);
    expect((await cmigJson<Application>('get', 'app', 'pair')).status.host).toBe(to);
  });

  it('of an unknown container or application are refused', async () => {
    const container = await cmig('logs', 'pair', '-c', 'qiet');
    expect([container.exitCode, container.stderr]).toEqual([
      3,
      expect.stringContaining('did you mean "quiet"?'),
    ]);
    expect((await cmig('logs', 'pear')).exitCode).toBe(3);
  });
});

describe('exec', () => {
  it('hands over output, error output and exit code', async () => {
    const result = await cmig(
      'exec',
      'pair',
      '-c',
      'quiet',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    );
    expect(result).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('hands over input, byte for byte', async () => {
    const bytes = randomBytes(1_500_000);
    const file = join(folder, 'input');
    await writeFile(file, bytes);
    const script = `exec "$0" exec pair -c quiet -i -- sha256sum < "$1"`;
    const { stdout } = await runProcess('sh', ['-c', script, join(root, 'bin/cmig'), file], {
      env: { CMIG_CONFIG: settings.config },
    });
    expect(stdout.split(' ')[0]).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('passes words on as they are', async () => {
    const words = ['a b', '', '$HOME', '*', "'", '--tail', 'ü'];
    const { stdout } = await cmig('exec', 'pair', '-c', 'quiet', '--', 'printf', '[%s]', ...words);
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('ends the program when it is interrupted', async () => {
    const running = follow('exec', 'pair', '-c', 'quiet', '--', 'sh', '-c', 'echo begun; exec sleep 98765');
    await waitFor(() => running.lines().includes('begun'), { timeoutMs: 60_000, what: 'its first line' });
    expect(await running.interrupt()).toMatchObject({ exitCode: 130 });
    await waitFor(
      async () => !(await cmigOk('exec', 'pair', '-c', 'quiet', '--', 'ps')).includes('sleep 98765'),
      { timeoutMs: 60_000, what: 'the end of the program' },
    );
  });
});

describe('exec on a terminal', () => {
  let terminal: PseudoTerminal;
  let modes: string;
  const shell = 'cmig exec pair -c quiet -it -- sh';
  beforeEach(async () => {
    terminal = await PseudoTerminal.open(80, 24);
    modes = await terminal.modes();
  });
  afterEach(async () => {
    // However it ended, the terminal is as it was.
    try {
      await terminal.isShell();
      expect(await terminal.modes()).toBe(modes);
    } finally {
      await terminal.close();
    }
  });

  it('gives a program a terminal of this size, all keys and every new size, and hands over its exit code', async () => {
    terminal.begin(`${shell}; echo code $?`);
    await terminal.shows('/ #');
    terminal.press('echo $TERM; stty size\r');
    await terminal.shows(/^xterm-256color\n24 80$/m);
    await terminal.resize(100, 30);
    terminal.press('until stty size | grep "30 100"; do sleep 0.1; done\r');
    await terminal.shows(/^30 100$/m);
    terminal.press(`trap 'echo "g"ot it' INT; echo "w"aiting; sleep 98764\r`);
    await terminal.shows(/^waiting$/m);
    // One that comes between the two commands is for the shell, and the sleep goes on.
    const isPrompt = () => /got it\n\/ #$/.test(terminal.screen().join('\n').trimEnd());
    await waitFor(() => isPrompt() || void terminal.press(keys.ctrlC), {
      timeoutMs: 60_000,
      intervalMs: 500,
      what: 'the prompt after an interruption',
    });
    terminal.press('exit 7\r');
    await terminal.shows(/^code 7$/m);
  });

  it('says what could not be run, and nothing of the tools in between', async () => {
    terminal.begin('cmig exec pair -c quiet -it -- nonsense; echo code $?');
    await terminal.shows(/^code 3$/m);
    expect(terminal.screen().join('\n')).toMatch(/^error: nonsense could not be run: /m);
    expect(terminal.screen().join('\n')).not.toMatch(/ERRO|level=/);
    expect(await cmig('exec', 'pair', '-c', 'quiet', '--', 'nonsense')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^error: nonsense could not be run: container quiet of pair has no such program \(host host-[ab]\)\n$/,
      ),
    });
  });

  it('gives the terminal back when it is ended from outside, and the program ends', async () => {
    const pid = await terminal.start('cmig exec pair -c quiet -it -- sh -c "echo begun; exec sleep 98763"');
    await terminal.shows(/^begun$/m);
    process.kill(pid, 'SIGTERM');
    await terminal.isShell();
    await waitFor(
      async () => !(await cmigOk('exec', 'pair', '-c', 'quiet', '--', 'ps')).includes('sleep 98763'),
      {
        timeoutMs: 60_000,
        what: 'the end of the program',
      },
    );
  });

  it('is told when the agent is killed, and the next one ends the program', async () => {
    const { host } = (await cmigJson<Application>('get', 'app', 'pair')).status;
    terminal.begin('cmig exec pair -c quiet -it -- sh -c "echo begun; exec sleep 98762"');
    await terminal.shows(/^begun$/m);
    await lab('kill', host, '--agent');
    try {
      await terminal.shows(/error: .*(silent|unreachable|gone)/, 60_000);
    } finally {
      await lab('start', host, '--agent');
    }
    await waitFor(
      async () => {
        const { exitCode, stdout } = await cmig('exec', 'pair', '-c', 'quiet', '--', 'ps');
        return exitCode === 0 && !stdout.includes('sleep 98762');
      },
      { timeoutMs: 60_000, intervalMs: 200, what: 'the end of the program' },
    );
  });

  it('gives the terminal back when it crashes', async () => {
    const pid = await terminal.startToCrash(shell);
    await terminal.shows('/ #');
    process.kill(pid, 'SIGUSR2');
    await terminal.shows('Error: a crash');
  });

  it('without one warns, and goes on with pipes', async () => {
    const result = await cmigWith(
      { input: 'tty; exit 3\n' },
      'exec',
      'pair',
      '-c',
      'quiet',
      '-it',
      '--',
      'sh',
    );
    expect(result).toEqual({
      exitCode: 3,
      stdout: 'not a tty\n',
      stderr: 'unable to use a TTY: standard input is not a terminal; the program gets pipes\n',
    });
  });
});

describe('events', () => {
  const eventsOf = async (...args: string[]): Promise<Event[]> =>
    (await cmigOk('events', '--since', began, ...args, '-o', 'json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('tell what happened, by subject and type', async () => {
    const all = await eventsOf('--for', 'app/pair');
    expect(all.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['container.ready', 'application.deployed', 'migration.committed']),
    );
    expect(all.every(({ data }) => (data as { application: string }).application === 'pair')).toBe(true);
    const committed = await eventsOf('--for', 'app/pair', '--types', 'migration.committed,container.exited');
    expect(committed.map(({ type }) => type)).toEqual(['migration.committed']);
  });

  it('go on with what happens, after what has happened since a time', async () => {
    const filter = ['--for', 'application/pair', '--types', 'application'];
    const watching = follow('events', '-w', '--since', began, ...filter);
    const tells = (what: string) => () => watching.lines().some((line) => line.includes(what));
    await waitFor(tells('deployed on host-a'), { timeoutMs: 60_000, what: 'what has happened' });
    await cmigOk('stop', 'pair');
    await waitFor(tells('stopped on host-'), { timeoutMs: 60_000, what: 'an event' });
    await cmigOk('start', 'pair');
    await waitFor(tells('started on host-'), { timeoutMs: 60_000, what: 'another one' });
    expect(await watching.interrupt()).toMatchObject({ exitCode: 130 });
    for (const line of watching.lines()) expect(line).toContain('application/pair');
  });
});

describe('completion', () => {
  /** What bash would offer after this line. */
  async function completed(line: string, env: Record<string, string> = {}): Promise<string[]> {
    const script = `
      PATH=${join(root, 'bin')}:$PATH
      source <(cmig completion bash)
      read -r _ _ completer _ <<<"$(complete -p cmig)" # complete -F _cmig cmig
      COMP_LINE=$1 COMP_POINT=\${#1}
      "$completer"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    // A busy machine does not answer in the time after which a shell would feel broken.
    const { stdout, stderr } = await runProcess('bash', ['-c', script, 'bash', line], {
      env: { CMIG_CONFIG: settings.config, CMIG_COMPLETION_TIMEOUT: '50s', ...env },
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean).sort();
  }

  it.each([
    ['cmig migrate pa', ['pair']],
    ['cmig migrate pair host-', ['host-a', 'host-b', 'host-c']],
    ['cmig get app ', ['pair']],
    ['cmig get apps pair -o js', ['json', 'jsonpath=']],
    ['cmig get apps --context lab-', expect.arrayContaining([`lab-${labName}`])],
    ['cmig logs pair -f -c ', ['count', 'quiet']],
    ['cmig exec pair --container=', ['count', 'quiet']],
    ['cmig events -w --for ', ['app/', 'checkpoint/', 'host/', 'migration/']],
    ['cmig events -w --for=app/', ['app/pair']],
    ['cmig migration resolve m-', expect.arrayContaining([expect.stringMatching(/^m-/)])],
  ])('offers the names that live: %s', async (line, names) => {
    expect(await completed(line)).toEqual(names);
  });

  it('is silent without a broker, and still knows the words', async () => {
    const config = join(folder, 'nobody.yaml');
    await writeFile(
      config,
      'current-context: x\ncontexts: [{name: x, broker: {url: "amqp://127.0.0.1:1/x"}}]\n',
    );
    expect(await completed('cmig migrate pa', { CMIG_CONFIG: config })).toEqual([]);
    expect(await completed('cmig migrate pair x --dr', { CMIG_CONFIG: config })).toEqual(['--dry-run']);
  });
});

describe('lab', () => {
  it('hands over the exit code of a program on a host', async () => {
    const result = await tryOnHost('host-b', 'sh', '-c', 'uname -n; exit 5');
    expect(result).toEqual({ exitCode: 5, stdout: 'host-b\n', stderr: '' });
  });

  it('takes its context along when it goes, also where nothing else of it is left', async () => {
    const env = { CMIG_CONFIG: join(folder, 'ghost.yaml') };
    await cmigWith({ env }, 'config', 'set-context', 'lab-ghost', '--broker', 'amqp://127.0.0.1:1/cmig');
    const { exitCode, stdout } = await cmigWith({ env }, 'lab', 'down', '--name', 'ghost', '-o', 'json');
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { name: 'ghost', existed: false }]);
    expect((await cmigWith({ env }, 'config', 'get-contexts', '-o', 'name')).stdout).toBe('');
  });
});

describe('the end of a command', () => {
  it('is quiet when nobody reads on', async () => {
    const { stdout, stderr } = await inShell('cmig logs pair -f | head -n 1');
    expect([stdout.split('\n').length, stderr]).toEqual([2, '']);
  });

  it.each([
    ['nobody reads on', '| head -n 1', 0, ''],
    ['its output cannot be written', '> /dev/full', 1, 'because: ENOSPC'],
  ])('comes after all that it does, also where %s', async (_, output, code, says) => {
    const { host } = (await cmigJson<Application>('get', 'app', 'pair')).status;
    const to = host === 'host-a' ? 'host-b' : 'host-a';
    const { exitCode, stderr } = await inShell(`cmig migrate pair ${to} ${output}`);
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(says)]);
    expect((await cmigJson<Application>('get', 'app', 'pair')).status.host).toBe(to);
  });

  it.each(['get apps', 'version', '--help', 'events -w --since 1h'])(
    'says that its output cannot be written: %s',
    async (words) => {
      const { exitCode, stderr } = await inShell(`cmig ${words} > /dev/full`);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/^error: standard output cannot.*\n.*ENOSPC/),
      ]);
    },
  );

  it('with -o json is an error as JSON, and nothing on standard output', async () => {
    const { exitCode, stdout, stderr } = await cmig('get', 'app', 'pari', '-o', 'json');
    expect([exitCode, stdout]).toEqual([3, '']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'not-found', hint: 'did you mean "pair"?' } });
  });

  it('that is wrong in one word leaves nothing behind', async () => {
    const directory = join(folder, 'authority');
    const { exitCode, stderr } = await cmig('init', '--dir', directory, '--operator', 'Not A Name');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('"Not A Name" is no name')]);
    expect(existsSync(directory)).toBe(false);
  });

  it('without a context says how to get one', async () => {
    const { exitCode, stderr } = await cmigWith(
      { env: { CMIG_CONFIG: join(folder, 'none.yaml') } },
      'get',
      'apps',
    );
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/^hint: .*cmig lab up.*set-context/m)]);
  });
});
