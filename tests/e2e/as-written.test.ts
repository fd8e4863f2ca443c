// What the help and the README show is run as it is written there: every example of every command, and every row of the
// table that sets kubectl's habits beside ours.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandSpec } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import { createInvocation } from '../../src/cli/invocation.ts';
import { parseWords } from '../../src/cli/program.ts';
import type { Application } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { cmigJson, cmigOk, images, root, useLab } from './lab.ts';
import { PseudoTerminal } from './pseudo-terminal.ts';
import { labName, settings } from './settings.ts';

useLab();

/** Where the lines are run: with a manifest of `shop`, and with a configuration and a home of their own. */
let folder: string;
let env: Record<string, string>;
let broker: object;
beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'as-written-'));
  const home = join(folder, 'home');
  await mkdir(join(home, '.config/cmig'), { recursive: true });
  await mkdir(join(home, '.config/fish/completions'), { recursive: true });
  await writeFile(join(home, '.config/cmig/prod'), 'cmig:secret\n');
  await writeFile(join(folder, 'script.sh'), 'echo fed\n');
  await writeFile(join(folder, 'compose.yaml'), 'services: {db: {image: redis}}\n');
  for (const image of ['redis', 'shop-web'])
    await cp(join(images, image), join(folder, 'manifests/images', image), {
      recursive: true,
      verbatimSymlinks: true,
    });
  const shop = await readFile(join(root, 'manifests/shop.yaml'), 'utf8');
  // The lab chooses an address of its own range.
  const changed = shop.replace(/^ {2}network: .*\n/m, '').replace('tier: demo', 'tier: web');
  await writeFile(join(folder, 'manifests/shop.yaml'), changed);
  broker = await currentBroker();
  env = {
    CMIG_CONFIG: join(folder, 'config.yaml'),
    HOME: home,
    NO_COLOR: '1',
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
  };
});
afterAll(async () => {
  await cmigOk('uncordon', 'host-a', 'host-b', 'host-c');
  await rm(folder, { recursive: true });
});

/** Each line finds these, whatever the one before it has made of them. */
beforeEach(async () => {
  const contexts = ['lab', 'prod'].map((name) => ({ name, broker }));
  await writeFile(env.CMIG_CONFIG!, JSON.stringify({ 'current-context': 'lab', contexts }));
});

async function currentBroker(): Promise<object> {
  const contexts = await cmigJson<{ current: boolean; broker: object }[]>('config', 'get-contexts');
  return contexts.find(({ current }) => current)!.broker;
}

const anyExitCode = Array.from({ length: 256 }, (_, code) => code);

/** What a person's shell would make of the line; of hosts with a label, those of the lab. */
const inShell = (line: string): string =>
  `generate() { sed s,dir:,dir:manifests/, manifests/shop.yaml; }\n${line.replaceAll('zone=west', `lab=${labName}`)}`;

const run = (line: string) =>
  runProcess('bash', ['-c', inShell(line)], {
    cwd: folder,
    env,
    timeoutMs: 100_000,
    allowedExitCodes: anyExitCode,
  });

const moves = /^cmig (migrate|drain)\b/;
const changes = /^cmig (migrate|drain|stop|start|delete)\b/;
let changed = true;

/** Before a line: `shop` runs, on host-a where it is to leave it, and every host takes applications. */
async function settle(line: string): Promise<void> {
  const was = changed;
  changed = changes.test(line);
  if (!was && !moves.test(line)) return;
  await cmigOk('uncordon', 'host-a', 'host-b', 'host-c');
  const { items } = await cmigJson<{ items: Application[] }>('get', 'apps');
  const shop = items[0]?.status;
  if (shop?.phase === 'Running' && (shop.host === 'host-a' || !moves.test(line))) return;
  if (shop?.phase === 'Stopped' && /^cmig start/.test(line)) return;
  if (shop) await cmigOk('delete', 'shop');
  await cmigOk('apply', '--wait', '-f', join(folder, 'manifests/shop.yaml'));
}

/** A line that goes on until it is interrupted: it has printed something by then, and ends as an interrupted one does. */
function goOn(line: string) {
  const process = spawnProcess('bash', ['-c', `exec ${line}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let complaint = '';
  process.stdout!.on('data', (chunk) => {
    text += String(chunk);
  });
  process.stderr!.on('data', (chunk) => {
    complaint += String(chunk);
  });
  return {
    text: () => text,
    async says(what: RegExp): Promise<void> {
      await waitFor(() => what.test(text), { timeoutMs: 60_000, what: `${what} from ${line}` });
    },
    async interrupt(): Promise<void> {
      process.kill('SIGINT');
      const { exitCode, signal } = await process.ended;
      const errors = complaint.split('\n').filter((each) => each.startsWith('error:'));
      expect([line, errors, exitCode ?? signal]).toEqual([line, [], exitCode === 130 ? 130 : 'SIGINT']);
    },
  };
}

/** A shell that knows of its terminal. */
async function worksOnTerminal(line: string, says: RegExp): Promise<void> {
  const terminal = await PseudoTerminal.open(80, 24);
  try {
    terminal.begin(line);
    await terminal.shows(/^[^>]*[#$]$/m, 60_000);
    terminal.press('tty\r');
    await terminal.shows(says, 60_000);
    terminal.press('exit\r');
    await terminal.isShell();
  } finally {
    await terminal.close();
  }
}

const goesOn = (line: string): boolean => /^cmig (get|events|top|logs) .*-(w|f)\b/.test(line);

function examplesOf(command: CommandSpec): string[] {
  const own = (command.examples ?? []).map(([line]) => line);
  return [...own, ...(command.subcommands ?? []).flatMap(examplesOf)];
}
const examples = commands.filter(({ hidden }) => !hidden).flatMap(examplesOf);

/** What is only parsed, and why. */
const onlyParsed: readonly [RegExp, string][] = [
  [/^cmig lab /, 'a lab of that name may be in use; lab.test.ts does all of it'],
  [
    /^cmig (host (add|remove|upgrade)|broker (install|remove) ssh:)/,
    'it needs a machine reached by SSH; join.test.ts does it',
  ],
  [/^cmig migration resolve /, 'it needs a host that is lost; lost-host.test.ts does it'],
];
/** Where the exit code tells what was found. */
const otherExitCodes: readonly [RegExp, number[]][] = [[/^cmig host doctor/, [0, 1]]];

describe('an example of the help', () => {
  const reasonOf = (line: string) => onlyParsed.find(([pattern]) => pattern.test(line))?.[1];
  const isRun = (line: string) => !reasonOf(line) && !goesOn(line);
  /** What others use comes first; what removes or stops last, and what there was is there again before the next line. */
  const first = /^cmig (init|operator)\b/;
  const last = /^cmig (stop|start|delete)\b/;
  const placeOf = (line: string) => (first.test(line) ? 0 : last.test(line) ? 2 : 1);
  const inOrder = examples.toSorted((a, b) => placeOf(a) - placeOf(b));

  it.each(inOrder.filter(isRun))('%s', async (line) => {
    await settle(line);
    const { exitCode, stdout, stderr } = await run(line);
    const codes = otherExitCodes.find(([pattern]) => pattern.test(line))?.[1] ?? [0];
    if (!codes.includes(exitCode)) throw new Error(`exit code ${exitCode}\n${stderr}${stdout}`);
    expect(stderr).not.toMatch(/^error:/m);
  });

  it(`that goes on does so: ${examples.filter(goesOn).join('; ')}`, async () => {
    await settle('cmig migrate');
    changed = true;
    const all = examples.filter(goesOn).map(goOn);
    // Those that tell of events alone say nothing before something happens, and may not listen yet.
    let to = 'host-b';
    const happens = async () => {
      await cmigOk('migrate', 'shop', to);
      to = to === 'host-b' ? 'host-c' : 'host-b';
      return all.every(({ text }) => text() !== '');
    };
    await waitFor(happens, { timeoutMs: 90_000, what: 'a line of each of them' });
    for (const each of all) await each.interrupt();
  });

  it.each(examples.filter(reasonOf).map((line) => [line, reasonOf(line)]))(
    '%s (only parsed: %s)',
    async (line) => {
      const { stdout } = await run(`words() { printf '%s\\0' "$@"; }\n${line!.replace(/^cmig/, 'words')}`);
      const parsed = parseWords(stdout.split('\0').slice(0, -1), commands);
      if (!('call' in parsed)) throw new Error('it asks for help');
      const { stdin, stdout: out, stderr } = process;
      const takeSignals = () => new AbortController().signal;
      createInvocation(parsed.call, { stdin, stdout: out, stderr, color: false, takeSignals });
    },
  );
});

describe("a habit of kubectl's users", () => {
  /** By our cell of a row, what it must print. */
  const prints: Record<string, RegExp> = {
    'cmig get apps': /^NAME +READY +STATUS .*\nshop +2\/2 +Running +host-/,
    'cmig get apps -o wide': /^NAME .* LABELS\nshop .* tier=web\n$/,
    'cmig get app shop -o yaml': /^apiVersion: cmig.dev\/v1\nkind: Application\n/,
    'cmig get app/shop -o name': /^application\/shop\n$/,
    'cmig get apps -l tier=web': /\nshop /,
    'cmig get apps -w': /\nshop /,
    'cmig get apps --sort-by=.metadata.name --no-headers': /^shop /,
    "cmig get apps -o jsonpath='{.items[*].metadata.name}'": /^shop$/,
    'cmig get apps -o custom-columns=NAME:.metadata.name': /^NAME\nshop\n$/,
    'cmig get hosts': /^NAME +STATUS .*\nhost-a +Ready /,
    'cmig get all': /^NAME .*\napplication\/shop [\s\S]*\nhost\/host-c /,
    'cmig describe app shop': /^Name: +shop\n[\s\S]*^Events:/m,
    'cmig describe host host-a': /^Name: +host-a\n[\s\S]*^ +Clock: .* this machine\b[\s\S]*^Events:/m,
    'cmig top hosts': /^NAME +STATUS +CPU +MEMORY/,
    'cmig top apps': /\nshop +host-. +Running +\d+m /,
    'cmig logs shop -c web --tail=5': /^(?:.*\n){0,5}$/,
    'cmig logs -f shop': /^(db|web) *\| /m,
    'cmig exec shop -c web -- ls /': /^etc$/m,
    'cmig exec -it shop -c web -- sh': /^\/dev\/(pts\/\d+|console)$/m,
    'cmig events --for app/shop': /application\.deployed +application\/shop/,
    'cmig events -w': /\n/,
    'cmig apply -f manifests/shop.yaml': /^application\/shop (unchanged|configured)\n/m,
    'cmig apply -f manifests/shop.yaml --dry-run': /^application\/shop .*\(dry run\)\n/m,
    'cmig diff -f manifests/shop.yaml': /^$/,
    'cmig explain application.spec.containers': /^FIELD: +containers /m,
    'cmig cordon host-c': /host-c/,
    'cmig uncordon host-c': /host-c/,
    'cmig drain host-a': /shop/,
    'cmig config get-contexts': /^CURRENT +NAME .*\n\* +lab /,
    'cmig config use-context lab': /"lab"/,
    'cmig get apps --context lab': /\nshop /,
    'cmig version': /cmig/,
    'source <(cmig completion bash)': /^$/,
    'cmig stop shop': /shop/,
    'cmig start shop': /shop/,
    'cmig delete app shop': /^application\/shop deleted\n$/,
    'cmig delete apps -l tier=web': /^application\/shop deleted\n$/,
    'cmig delete -f manifests/shop.yaml': /^application\/shop deleted\n$/,
  };
  let rows: string[];
  beforeAll(async () => {
    const text = await readFile(join(root, 'README.md'), 'utf8');
    const table = /^\| kubectl \| cmig \|\n\| --- \| --- \|\n((?:\|.*\n)+)/m.exec(text)?.[1] ?? '';
    // A bar within a cell is escaped.
    rows = table
      .trim()
      .split('\n')
      .map((row) => /`([^`]+)`[^`]*\|$/.exec(row)?.[1] ?? row);
  });

  it('has its row in the README, and each row is known here', () => {
    expect(rows.toSorted()).toEqual(Object.keys(prints).toSorted());
  });

  it.each(Object.keys(prints))('%s', async (line) => {
    await settle(line);
    if (goesOn(line)) {
      const going = goOn(line);
      // Until it listens, it tells nothing of what happens.
      const happens = async () => {
        await cmigOk('uncordon', 'host-c');
        await cmigOk('cordon', 'host-c');
        return going.text() !== '';
      };
      if (line === 'cmig events -w') await waitFor(happens, { timeoutMs: 60_000, what: 'an event' });
      await going.says(prints[line]!);
      return going.interrupt();
    }
    if (line.includes(' -it ')) return worksOnTerminal(line, prints[line]!);
    const { exitCode, stdout, stderr } = await run(line);
    expect([exitCode, stderr.match(/^error: .*/m)]).toEqual([0, null]);
    expect(stdout).toMatch(prints[line]!);
  });
});
