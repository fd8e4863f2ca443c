// The live view on a real terminal, worked with real keys, against a live lab.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application } from '../../src/contract/application.ts';
import type { Host } from '../../src/contract/host.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { waitFor } from '../../src/core/retry.ts';
import { cmigJson, cmigOk, cmigWith, follow, images, lab, useLab } from './lab.ts';
import { keys, PseudoTerminal } from './pseudo-terminal.ts';

useLab();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-topology-'));
  const manifest = `
apiVersion: cmig.dev/v1
kind: Application
metadata: {name: count, labels: {tier: web}}
spec:
  host: host-a
  containers:
    - name: main
      image: dir:${join(images, 'busybox')}
      command: [sh, -c, 'ballast=$(head -c 3000000 /dev/urandom | base64); n=0; while :; do n=$((n+1)); echo "number $n"; sleep 0.2; done']
      stopTimeout: 100ms
`;
  await writeFile(join(folder, 'count.yaml'), manifest);
  await cmigOk('apply', '--wait', '--allow-outside', '-f', join(folder, 'count.yaml'));
});
afterAll(() => rm(folder, { recursive: true }));

let terminal: PseudoTerminal;
const quit = () => terminal.press('q');

const lists: ReturnType<typeof follow>[] = [];
afterEach(async () => {
  for (const list of lists.splice(0)) await list.interrupt();
});
/** A list that is followed until the test has ended. */
function watched(...args: string[]) {
  const list = follow(...args, '-w', '-o', 'json');
  lists.push(list);
  return list;
}

const hostOf = async () => (await cmigJson<Application>('get', 'app', 'count')).status.host;
const lastMigration = async () => (await cmigJson<{ items: Migration[] }>('get', 'migrations')).items.at(-1);

/** From the picture, with the application not selected yet, to the question whether to migrate. */
async function choose(destination: string): Promise<void> {
  terminal.press('/', 'count', keys.enter);
  await terminal.shows('filter: count');
  terminal.press(keys.down);
  await terminal.shows('▸count');
  terminal.press('m');
  await terminal.shows('where to?');
  const selected = () => /^▸ (\S+)/m.exec(terminal.screen().join('\n'))?.[1];
  for (let before = selected(); before !== destination; before = selected()) {
    terminal.press(keys.down);
    await waitFor(() => selected() !== before, { timeoutMs: 60_000, intervalMs: 10, what: 'the next host' });
  }
  await terminal.keep('where-to');
  terminal.press(keys.enter);
  await terminal.shows('how?');
  terminal.press(keys.enter);
  await terminal.shows('preflight: both hosts agree');
  await terminal.keep('preflight');
}

describe('cmig topology', () => {
  let modes: string;
  beforeEach(async () => {
    terminal = await PseudoTerminal.open(80, 24);
    modes = await terminal.modes();
    terminal.begin('cmig topology');
    await terminal.shows('count Running');
    expect(terminal.isAlternate).toBe(true);
  });
  afterEach(async () => {
    // However it was left, the terminal is as it was.
    try {
      await terminal.isShell();
      expect(terminal.isAlternate).toBe(false);
      expect(await terminal.modes()).toBe(modes);
    } finally {
      await terminal.close();
    }
  });

  it('moves an application that is chosen in it, and shows its way to the end', async () => {
    await choose('host-b');
    expect(await hostOf()).toBe('host-a');
    // On the quick way a step may be over before it is drawn.
    await lab('shape', 'host-b', '--rate', '4mbit');
    try {
      terminal.press('y');
      await terminal.shows(/count host-a ━+▶┄* host-b .* frozen \d+\.\d s/);
      await terminal.keep('frozen');
    } finally {
      await lab('shape', 'host-b', '--rate', 'none');
    }
    await terminal.shows(/count host-a ━+▶ host-b committed, frozen for [\d.]+ s/);
    await terminal.shows(/count moved from host-a to host-b: frozen for/);
    await terminal.shows(/─ host-b .*Ready[\s\S]*▸count Running/);
    await terminal.keep('moved');
    await terminal.shows(/m migrate .* q quit$/);
    expect(await hostOf()).toBe('host-b');
    terminal.press('l');
    await terminal.shows(/number \d+\nnumber \d+/);
    terminal.press(keys.escape);
    await terminal.shows('filter: count');
    quit();
  });

  it('cordons a host, and drains it when that is confirmed', async () => {
    const from = await hostOf();
    try {
      terminal.press('/', from, keys.enter);
      await terminal.shows(`filter: ${from}`);
      terminal.press('c');
      await terminal.shows(`Cordon host/${from}?`);
      terminal.press('y');
      await terminal.shows(/Ready, cordoned ─+╮/);
      await terminal.shows(/c uncordon +d drain .* q quit$/);
      terminal.press('d');
      await terminal.shows('There now: count (Running)');
      expect(await hostOf()).toBe(from);
      terminal.press('y');
      await terminal.shows(`${from} is drained: 1 application moved`);
      await terminal.keep('drained');
      expect(await hostOf()).not.toBe(from);
      terminal.press('c', 'y');
      await terminal.shows(/ Ready ─+╮/);
      terminal.press(keys.escape);
      quit();
      await terminal.isShell();
    } finally {
      await cmigOk('uncordon', from);
    }
  });

  it('lives through another size of the terminal, and through being suspended', async () => {
    await terminal.resize(130, 30);
    // What is drawn comes in pieces: the line of the keys, the lowest of the screen, is the last.
    await terminal.shows(/host-a.*host-b.*host-c[\s\S]*q quit$/);
    terminal.press(keys.ctrlZ);
    await terminal.shows('Stopped');
    expect(terminal.isAlternate).toBe(false);
    expect(await terminal.modes()).toBe(modes);
    terminal.begin('fg');
    await terminal.shows(/host-a.*host-b.*host-c/);
    expect(terminal.isAlternate).toBe(true);
    await terminal.resize(80, 24);
    await terminal.shows(/^╭─.host-a[^\n]*host-b[^\n]*╮$/m);
    quit();
  });

  it('shows a host that is lost and comes back, and a broker that is; a list that is watched does so too', async () => {
    const list = watched('get', 'hosts');
    const rowOf = (name: string): Host | undefined =>
      list
        .lines()
        .map((line) => JSON.parse(line) as Host)
        .findLast(({ metadata }) => metadata.name === name);
    const listed = (name: string, how: (host: Host) => boolean) =>
      waitFor(
        () => {
          const row = rowOf(name);
          return row && how(row);
        },
        { timeoutMs: 60_000, what: `the row of ${name}` },
      );
    await listed('host-c', ({ status }) => status.condition === 'Ready');
    await lab('kill', 'host-c');
    await listed('host-c', ({ status }) => status.condition === 'NotReady');
    await terminal.shows(/host-c .*NotReady ─╮[\s\S]*not heard of since \d\d:\d\d:\d\d/);
    await terminal.keep('host-lost');
    await lab('start', 'host-c');
    await terminal.shows(/host-c [^\n]* Ready ─╮/);
    await listed('host-c', ({ status }) => status.condition === 'Ready');
    await lab('broker', 'stop');
    await terminal.shows(/broker gone since \d\d:\d\d:\d\d .*reconnecting/);
    await terminal.shows(/host-a [^\n]* Unknown ─╮/);
    await terminal.keep('broker-lost');
    await lab('broker', 'start');
    await terminal.shows(/^cmig .* live$/m);
    // Each agent comes back by itself; one that has not yet takes no orders.
    for (const name of ['host-a', 'host-b', 'host-c'])
      await terminal.shows(new RegExp(`${name} [^\\n╮]* Ready ─╮`));
    await terminal.shows('count Running');
    quit();
    const isNoticed = () => list.notices().includes('the broker has gone');
    await waitFor(isNoticed, { timeoutMs: 60_000, what: 'the notice of the list' });
    await cmigOk('cordon', 'host-b');
    await listed('host-b', ({ spec }) => spec.unschedulable === true);
    await cmigOk('uncordon', 'host-b');
  });

  it('may be quit while a migration runs that was begun in it', async () => {
    const from = await hostOf();
    const to = from === 'host-a' ? 'host-b' : 'host-a';
    await choose(to);
    // So slow that it is still on its way when that is looked at.
    await lab('shape', to, '--rate', '1mbit');
    const list = watched('get', 'apps,migrations');
    const rows = () => list.lines().map((line) => JSON.parse(line) as Application | Migration);
    try {
      await waitFor(() => rows().length > 0, { timeoutMs: 60_000, what: 'the list of what there is' });
      terminal.press('y');
      await terminal.shows(new RegExp(`count ${from} ━*▶┄* ${to} .* frozen \\d`));
      quit();
      await terminal.shows(`count is on its way to ${to}, and goes on`);
      expect((await lastMigration())?.status.outcome).toBeUndefined();
    } finally {
      await lab('shape', to, '--rate', 'none');
    }
    await waitFor(async () => (await hostOf()) === to, {
      timeoutMs: 60_000,
      intervalMs: 200,
      what: 'the end of the migration',
    });
    const last = (await lastMigration())!;
    expect(last.status.outcome).toBe('committed');
    await waitFor(
      () =>
        rows().some(({ metadata, status }) => metadata.name === last.metadata.name && 'outcome' in status),
      { timeoutMs: 60_000, what: 'the row of its end' },
    );
    // From host to host, whatever its destination says before it has it and its source afterwards.
    const places = rows().flatMap((row) => (row.metadata.name === 'count' ? row.status.host : []));
    expect([...new Set(places)]).toEqual([from, to]);
    expect(places).toEqual([...places].sort((a, b) => [from, to].indexOf(a) - [from, to].indexOf(b)));
  });

  it('gives the terminal back when it is ended from outside', async () => {
    terminal.press(keys.ctrlZ);
    await terminal.shows('Stopped');
    await terminal.run('kill %1; wait');
    const pid = await terminal.start('cmig topology');
    await terminal.shows('count Running');
    process.kill(pid, 'SIGTERM');
  });

  it('gives the terminal back when it crashes, and says why', async () => {
    quit();
    await terminal.isShell();
    const pid = await terminal.startToCrash('cmig topology');
    await terminal.shows('count Running');
    process.kill(pid, 'SIGUSR2');
    await terminal.shows('error: a crash');
  });
});

describe('cmig topology where it cannot draw', () => {
  it('prints one picture in a pipe, in ASCII and without colour where that is asked for', async () => {
    const { stdout, exitCode } = await cmigWith({ env: { LC_ALL: 'C' } }, 'topology', '--filter', 'tier=web');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ count Running|\| +count Running/m);
    expect(stdout).toMatch(/main Running +\d+% [\d.]+ [KM]iB/);
    expect(stdout).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('tells in tables what hosts and applications use', async () => {
    const hosts = await cmigJson<{ name: string; memoryUsedBytes: number }[]>('top', 'hosts');
    expect(hosts.map(({ name }) => name)).toEqual(['host-a', 'host-b', 'host-c']);
    expect(hosts.every(({ memoryUsedBytes }) => memoryUsedBytes > 0)).toBe(true);
    expect(await cmigOk('top', 'apps', 'count')).toMatch(
      /^NAME +HOST +STATUS +CPU +MEMORY +PROCESSES\ncount +host-/,
    );
  });
});
