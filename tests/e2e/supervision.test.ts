// The agent's care for its containers: restarts, order, readiness, limits, logs, and its own ends and the host's.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import type { Application, ContainerStatus } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import { limitsOf } from './cgroup-limits.ts';
import { cmig, cmigJson, cmigOk, follow, images, lab, onHost, startCmig, tryOnHost, useLab } from './lab.ts';
import { settings } from './settings.ts';
import { systemCallProgram } from './system-call.ts';

useLab();

const began = new Date().toISOString();
const applications = '/var/lib/cmig/applications';
/** Beside what is harmless by number 434, pidfd_open: EINVAL where it is let through. */
const systemCalls = { io_uring_setup: 425, io_uring_enter: 426, fsopen: 430, pidfd_open: 434 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'supervision-'));
  await cp(join(images, 'busybox'), join(folder, 'image'), { recursive: true, verbatimSymlinks: true });
  await mkdir(join(folder, 'image/calls'));
  for (const [name, number] of Object.entries(systemCalls))
    await writeFile(join(folder, 'image/calls', name), systemCallProgram(number), { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

const main = (script: string, more: object = {}): object => ({
  name: 'main',
  image: 'dir:image',
  command: ['sh', '-c', script],
  stopTimeout: '100ms', // a shell as process 1 does not hear SIGTERM
  ...more,
});

const manifest = (name: string, host: string, containers: object[], more: object = {}): object => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name },
  spec: { host, containers, ...more },
});

async function apply(manifests: object[], ...options: string[]): Promise<void> {
  const file = join(folder, 'manifest.yaml');
  await writeFile(file, manifests.map((each) => `---\n${stringify(each)}`).join(''));
  await cmigOk('apply', '-f', file, ...options);
}

type Statuses = Record<string, ContainerStatus>;

/** Of all applications, by APPLICATION.CONTAINER. */
async function containers(): Promise<Statuses> {
  const { items } = await cmigJson<{ items: Application[] }>('get', 'apps');
  return Object.fromEntries(
    items.flatMap(({ metadata, status }) =>
      status.containers.map((each) => [`${metadata.name}.${each.name}`, each]),
    ),
  );
}

const until = (what: string, holds: (now: Statuses) => boolean): Promise<Statuses> =>
  waitFor(
    async () => {
      const now = await containers();
      return holds(now) ? now : undefined;
    },
    { timeoutMs: 60_000, what },
  );

const pidOf = (status: ContainerStatus | undefined): string => String(status?.pid);
const phaseOf = async (name: string) => (await cmigJson<Application>('get', 'app', name)).status.phase;
const inside = (name: string, container: string, ...command: string[]) =>
  cmig('exec', name, '-c', container, '--', ...command);

interface Said {
  type: string;
  data: { container?: string; exitCode?: number; restarts?: number };
}

/** What was told of an application since this test began, each as its type, its container and a number. */
async function told(application: string): Promise<string[]> {
  const text = await cmigOk('events', '--for', `app/${application}`, '--since', began, '-o', 'json');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Said)
    .map(({ type, data }) =>
      [type, data.container, data.exitCode ?? data.restarts].filter((part) => part !== undefined).join(' '),
    );
}

/** What is told comes behind what is: waits until all of these are among it, and answers all. */
const untilTold = (application: string, ...steps: string[]): Promise<string[]> =>
  waitFor(
    async () => {
      const events = await told(application);
      return steps.every((step) => events.includes(step)) && events;
    },
    { timeoutMs: 60_000, what: `${steps.join(', ')} being told of ${application}` },
  );

/** The statuses of the only container of an application, as they come. */
class Watch {
  readonly #process;
  readonly #seen: ContainerStatus[] = [];
  #rest = '';

  constructor(application: string) {
    this.#process = startCmig('get', 'app', application, '-w', '-o', 'json');
    this.#process.stdout!.on('data', (chunk) => {
      const lines = (this.#rest + String(chunk)).split('\n');
      this.#rest = lines.pop()!;
      this.#seen.push(...lines.map((line) => (JSON.parse(line) as Application).status.containers[0]!));
    });
  }

  until(holds: (status: ContainerStatus) => boolean): Promise<ContainerStatus> {
    return waitFor(() => this.#seen.find(holds), { timeoutMs: 60_000, what: `${holds}` });
  }

  async end(): Promise<void> {
    this.#process.kill('SIGINT');
    await this.#process.ended;
  }
}

const agentPattern = '^[^ ]*node .*cmig-agent';
const waits = (file: string): string => `until [ -e ${file} ]; do sleep 0.1; done`;

describe('restarts', () => {
  it('follow the policy and tell the exit codes', async () => {
    await apply(
      [
        manifest('always', 'host-a', [main('exec sleep 5001')]),
        manifest(
          'on-failure',
          'host-a',
          [
            main(`${waits('/go')}; exit 0`, { name: 'succeeds' }),
            main(`[ ! -e /go ] || exec sleep 5002; ${waits('/go')}; exit 1`, { name: 'fails' }),
          ],
          { restartPolicy: 'OnFailure' },
        ),
        manifest('never', 'host-a', [main(`${waits('/go')}; exit 3`)], { restartPolicy: 'Never' }),
      ],
      '--wait',
    );
    const watched = new Watch('always');
    try {
      const before = await watched.until(({ state }) => state === 'Running');
      await onHost(
        'host-a',
        ...['sh', '-c', 'kill -9 $0; for container in $1; do : > $container/bundle/rootfs/go; done'],
        ...[pidOf(before), `${applications}/on-failure/containers/* ${applications}/never/containers/*`],
      );
      await watched.until(({ state, exitCode }) => state === 'Exited' && exitCode === 137);
      const after = await watched.until(({ state, restarts }) => state === 'Running' && restarts === 1);
      expect(after.pid).not.toBe(before.pid);
    } finally {
      await watched.end();
    }
    // Each sees its file in its own time.
    const now = await until('the second restart, and the ends', (each) => {
      const over = ['on-failure.succeeds', 'never.main'].every((name) => each[name]?.state === 'Exited');
      return over && each['on-failure.fails']?.state === 'Running' && each['on-failure.fails'].restarts > 0;
    });
    expect(now).toMatchObject({
      'on-failure.fails': { restarts: 1 },
      'on-failure.succeeds': { state: 'Exited', exitCode: 0, restarts: 0 },
      'never.main': { state: 'Exited', exitCode: 3, restarts: 0 },
    });
    expect(await phaseOf('never')).toBe('Exited');
    await untilTold('always', 'container.exited main 137', 'container.restarted main 1');
  });
});

describe('readiness', () => {
  it('holds back what depends on it, and stops come in the other order', async () => {
    const store = main('exec sleep 5003', { name: 'store', ready: { exec: ['test', '-e', '/go'] } });
    const web = main('exec sleep 5004', { name: 'web', dependsOn: ['store'] });
    await apply([manifest('order', 'host-b', [web, store])]);
    expect(await until('the store', (each) => each['order.store']?.state === 'Running')).toMatchObject({
      'order.store': { ready: false },
      'order.web': { state: 'Waiting', ready: false },
    });
    expect(await phaseOf('order')).toBe('Deploying');
    await inside('order', 'store', 'touch', '/go');
    await until('the web', (each) => each['order.web']?.ready === true);
    await cmigOk('stop', 'order');
    const steps = ['ready store', 'started web', 'exited web 137', 'exited store 137'].map(
      (step) => `container.${step}`,
    );
    const events = await untilTold('order', ...steps);
    expect(events.filter((event) => steps.includes(event))).toEqual(steps);
  });

  it('comes and goes with what is probed, be it a port, a page or a command', async () => {
    const turns = `while :; do
        if [ -e /on ]; then [ -n "$it" ] || { httpd -f -p 7000 & it=$!; }
        elif [ -n "$it" ]; then kill $it; wait $it; it=; fi
        sleep 0.1
      done`;
    await apply(
      [
        manifest('turns', 'host-c', [
          main(`touch /on; ${turns}`, { name: 'tcp', ready: { tcp: 7000 } }),
          main('mkdir /www; touch /www/on; exec httpd -f -p 80 -h /www', {
            name: 'http',
            ready: { http: { port: 80, path: '/on' } },
          }),
          main('touch /on; exec sleep 5005', { name: 'exec', ready: { exec: ['test', '-e', '/on'] } }),
        ]),
      ],
      '--wait',
    );
    const root = `${applications}/turns/containers`;
    const files = ['tcp/bundle/rootfs/on', 'http/bundle/rootfs/www/on', 'exec/bundle/rootfs/on'];
    const paths = files.map((file) => `${root}/${file}`);
    const shown = async () => (await cmigOk('get', 'app', 'turns', '--no-headers')).split(/\s+/).slice(0, 3);
    expect(await shown()).toEqual(['turns', '3/3', 'Running']);
    await onHost('host-c', 'rm', ...paths);
    const isTurns = ([name]: [string, unknown]): boolean => name.startsWith('turns.');
    const all = (now: Statuses) =>
      Object.entries(now)
        .filter(isTurns)
        .map(([, each]) => each);
    const found: Record<string, string> = {
      tcp: 'nobody listens on port 7000',
      http: 'GET /on is answered with 404',
      exec: 'test exits with 1',
    };
    // A probe that a busy machine has cut short says so, until the next one.
    const off = await until('the end of readiness', (now) =>
      all(now).every(({ name, ready, message }) => !ready && message === found[name]),
    );
    expect(await shown()).toEqual(['turns', '0/3', 'NotReady']);
    expect(all(off).map(({ name, state }) => [name, state])).toEqual(
      Object.keys(found).map((name) => [name, 'Running']),
    );
    await onHost('host-c', 'touch', ...paths);
    await until('readiness again', (now) => all(now).every(({ ready }) => ready));
    expect(await shown()).toEqual(['turns', '3/3', 'Running']);
  });
});

describe('a container', () => {
  beforeAll(async () => {
    await apply(
      [
        manifest(
          'confined',
          'host-b',
          [
            main('exec sleep 5006', {
              name: 'limited',
              resources: { cpu: '250m', memory: '16Mi', pids: 100 },
              readOnlyRootFilesystem: true,
              volumes: [{ name: 'data', mountPath: '/data' }],
            }),
            main('exec sleep 5007', { name: 'plain' }),
            main('exec sleep 5010', { name: 'crowded', resources: { pids: 40 } }),
          ],
          { volumes: [{ name: 'data' }] },
        ),
      ],
      '--wait',
    );
  });

  it('has its limits in its cgroup', async () => {
    const { pid } = (await containers())['confined.limited']!;
    expect(await limitsOf('host-b', pid)).toEqual({
      memory: String(16 * 1024 * 1024),
      cpu: '25000 100000',
      pids: '100',
    });
  });

  it('gets no further than its limits', async () => {
    // One process with one buffer: where several share the limit, the kernel may end more than the one that asked.
    const eater = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=24M', 'count=1'];
    expect((await inside('confined', 'plain', ...eater)).exitCode).toBe(0);
    expect((await inside('confined', 'limited', ...eater)).exitCode).toBe(128 + 9);
    // All of them at once, however long it takes to make them; they end with their shell, which then can fork no more.
    const forks = `trap 'kill $all' EXIT; i=0
      while [ $i -lt 60 ]; do sleep 1000 > /dev/null 2>&1 & all="$all $!" i=$((i + 1)); done`;
    expect((await inside('confined', 'plain', 'sh', '-c', forks)).exitCode).toBe(0);
    expect(await inside('confined', 'crowded', 'sh', '-c', forks)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("can't fork: Resource temporarily unavailable"),
    });
    // It is who asks for too much that is refused, not the container.
    expect(await containers()).toMatchObject({
      'confined.limited': { state: 'Running', restarts: 0 },
      'confined.crowded': { state: 'Running', restarts: 0 },
    });
  });

  it("may do what Docker's may, and no more", async () => {
    const status = (await inside('confined', 'plain', 'cat', '/proc/1/status')).stdout;
    const of = (field: string) => new RegExp(`^${field}:\\s*(\\S+)$`, 'm').exec(status)?.[1];
    // The fourteen of Docker's default.
    const capabilities = '00000000a80425fb';
    expect(['CapPrm', 'CapEff', 'CapBnd', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp'].map(of)).toEqual([
      capabilities,
      capabilities,
      capabilities,
      '0000000000000000',
      '0000000000000000',
      '1',
      '2',
    ]);
    // Of an exec session too: it is no way around them.
    const own = (await inside('confined', 'plain', 'cat', '/proc/self/status')).stdout;
    expect(own).toMatch(new RegExp(`^CapBnd:\\s*${capabilities}$`, 'm'));
    expect(own).toMatch(/^NoNewPrivs:\s*1$/m);
    expect(own).toMatch(/^Seccomp:\s*2$/m);

    const tried = `
      for call in io_uring_setup io_uring_enter fsopen pidfd_open; do
        /calls/$call; echo $call $?
      done
      echo kcore $(head -c 1 /proc/kcore | wc -c) timers $(cat /proc/timer_list | wc -c)
      echo firmware $(ls /sys/firmware | wc -l)
      (echo 1 > /proc/sys/vm/drop_caches) 2> /dev/null || echo proc/sys is read-only
      (echo h > /proc/sysrq-trigger) 2> /dev/null || echo sysrq-trigger is read-only
      (mkdir /sys/fs/cgroup/mine) 2> /dev/null || echo sys is read-only
      mount -t tmpfs none /mnt 2> /dev/null || echo no mounts
      unshare -U true 2> /dev/null || echo no user namespaces
      mknod /disk b 8 0 && (head -c 1 /disk) 2> /dev/null || echo no disks`;
    expect((await inside('confined', 'plain', 'sh', '-c', tried)).stdout.trim().split('\n')).toEqual([
      'io_uring_setup 1',
      'io_uring_enter 1',
      'fsopen 1',
      'pidfd_open 22', // beyond the filter: there is no process 0
      'kcore 0 timers 0',
      'firmware 0',
      'proc/sys is read-only',
      'sysrq-trigger is read-only',
      'sys is read-only',
      'no mounts',
      'no user namespaces',
      'no disks',
    ]);
  });

  it('cannot write to a read-only root file system, but to its volumes', async () => {
    const script = 'touch /file 2> /dev/null || touch /tmp/file 2> /dev/null || touch /data/file && ls /data';
    expect((await inside('confined', 'limited', 'sh', '-c', script)).stdout).toBe('file\n');
  });
});

describe('logs', () => {
  it('are rotated, so many files are kept, and no line is missing or torn in them', async () => {
    const script =
      'n=0; while :; do i=0; while [ $i -lt 400 ]; do i=$((i + 1)); echo $((n + i)); done; n=$((n + i)); sleep 0.2; done';
    await apply([manifest('chatty', 'host-c', [main(script, { log: { maxSize: '16Ki', maxFiles: 2 } })])]);
    const lines = async () => (await cmigOk('logs', 'chatty')).trim().split('\n').map(Number);
    const kept = await waitFor(
      async () => {
        const now = await lines();
        return now[0]! > 1 ? now : undefined;
      },
      { timeoutMs: 60_000, intervalMs: 300, what: 'the end of the first lines' },
    );
    expect(kept.filter((line, index) => line !== kept[0]! + index)).toEqual([]);
    // While it runs, one may just be on its way from one name to the next.
    await cmigOk('stop', 'chatty');
    const files = await onHost('host-c', 'ls', `${applications}/chatty/containers/main`);
    expect(files.split('\n').filter((file) => file.startsWith('log.'))).toEqual(['log.1', 'log.2']);
    await cmigOk('delete', 'chatty');
  });
});

describe('an agent', () => {
  it('that is asked to end, or is killed, leaves all as it is, and its successor catches up', async () => {
    await apply([manifest('half', 'host-a', [main('exec sleep 5008')])], '--wait');
    const before = await containers();
    const ofHostA = Object.keys(before).filter((name) => /^(always|on-failure|never|half)\./.test(name));
    const same = (now: Statuses) =>
      ofHostA.map((name) => [name, now[name]?.pid, now[name]?.restarts, now[name]?.state]);

    await onHost('host-a', 'pkill', '-TERM', '-f', agentPattern);
    await waitFor(async () => (await tryOnHost('host-a', 'pgrep', '-f', agentPattern)).exitCode === 1, {
      timeoutMs: 60_000,
      what: 'the end of the agent',
    });
    await onHost('host-a', 'kill', '-0', pidOf(before['always.main']), pidOf(before['on-failure.fails']));
    await lab('start', 'host-a', '--agent');
    expect(same(await containers())).toEqual(same(before));

    await lab('kill', 'host-a', '--agent');
    // One dies while nobody looks; of another one only the preparation is there, as if the agent had died in its start.
    const half = `runc="runc --root /run/cmig/runc"; kill -9 $0 $1; $runc delete -f half.main
      $runc create --bundle ${applications}/half/containers/main/bundle half.main < /dev/null > /dev/null 2>&1`;
    await onHost('host-a', 'sh', '-c', half, pidOf(before['always.main']), pidOf(before['half.main']));
    await lab('start', 'host-a', '--agent');
    const after = await until('what died being restarted', (now) =>
      ['always.main', 'half.main'].every((name) => now[name]?.state === 'Running'),
    );
    expect(after).toMatchObject({
      'always.main': { restarts: before['always.main']!.restarts + 1 },
      'on-failure.fails': { pid: before['on-failure.fails']!.pid, restarts: 1, ready: true },
      'on-failure.succeeds': { state: 'Exited', exitCode: 0, restarts: 0 },
      'never.main': { state: 'Exited', exitCode: 3, restarts: 0 },
    });
    expect(await onHost('host-a', 'cat', `/proc/${after['half.main']!.pid}/cmdline`)).toBe(
      'sleep\0' + '5008\0',
    );
    const restarted = `container.restarted main ${before['always.main']!.restarts + 1}`;
    const events = await untilTold('always', restarted);
    expect(events.filter((event) => event === 'container.exited main 137')).toHaveLength(2);
  });

  it('that is killed in a removal has nothing left of it after its restart', async () => {
    // It ends when it is asked to for the second time: by the second agent.
    const stubborn = 'trap "[ -e /asked ] && exit 0; touch /asked" TERM; while :; do sleep 0.1; done';
    await apply(
      [
        manifest(
          'stubborn',
          'host-c',
          [
            main(stubborn, {
              stopTimeout: '60s',
              volumes: [{ name: 'data', mountPath: '/data' }],
            }),
          ],
          { volumes: [{ name: 'data' }] },
        ),
      ],
      '--wait',
    );
    const deleting = follow('delete', 'stubborn');
    try {
      await waitFor(
        async () =>
          (await tryOnHost('host-c', 'ls', `${applications}/stubborn/containers/main/upper/asked`))
            .exitCode === 0,
        { timeoutMs: 60_000, what: 'the request to end' },
      );
      // Who does not wait for its end is told that the host goes on.
      expect(await deleting.interrupt()).toEqual({ exitCode: 130 });
      expect(deleting.notices()).toBe(
        'error: cmig delete was cancelled\nhint: host-c goes on deleting stubborn; see its end with: cmig get applications\n',
      );
      await lab('kill', 'host-c', '--agent');
    } finally {
      await deleting.interrupt();
    }
    await lab('start', 'host-c', '--agent');
    await until('the end of the removal', (now) => now['stubborn.main'] === undefined);
    const left = `find ${applications} /run/cmig /run/netns -name '*stubborn*'; grep stubborn /proc/mounts
      find /sys/fs/cgroup -type d -path '*host-c*' -name 'stubborn*'; pgrep -a conmon | grep stubborn; true`;
    // Its record goes first, and what took care of it a moment later.
    const isAllGone = async () => (await onHost('host-c', 'sh', '-c', left)) === '';
    await waitFor(isAllGone, { timeoutMs: 60_000, what: 'the end of all that it had' });
    expect((await untilTold('stubborn', 'application.deleted')).at(-1)).toBe('application.deleted');
  });
});

describe('a host that loses its power', () => {
  it('runs what it ran and nothing else after its start, with its volumes', async () => {
    await apply(
      [
        manifest('once', 'host-b', [main('exec sleep 5009')], { restartPolicy: 'Never' }),
        manifest(
          'chores',
          'host-b',
          [
            main('echo done >> /done', { name: 'short' }),
            main('exec sleep 5011', { name: 'long', dependsOn: ['short'] }),
          ],
          { restartPolicy: 'OnFailure' },
        ),
      ],
      '--wait',
    );
    const before = await containers();
    expect(before['order.web']).toMatchObject({ state: 'Exited' });
    expect((await inside('confined', 'limited', 'sh', '-c', 'echo kept > /data/file; sync')).exitCode).toBe(
      0,
    );
    await lab('kill', 'host-b');
    await lab('start', 'host-b');
    const after = await until('all running again', (now) =>
      ['confined.limited', 'confined.plain', 'confined.crowded', 'chores.long'].every(
        (name) => now[name]?.state === 'Running',
      ),
    );
    expect(after).toMatchObject({
      'confined.limited': { restarts: 0 },
      'confined.plain': { restarts: 0 },
      'once.main': { state: 'Exited', restarts: 0 },
      'chores.short': { state: 'Exited', exitCode: 0, restarts: 0 },
      'order.store': { state: 'Exited', restarts: 0 },
      'order.web': { state: 'Exited', restarts: 0 },
    });
    expect(await Promise.all(['confined', 'order', 'once'].map(phaseOf))).toEqual([
      'Running',
      'Stopped',
      'Exited',
    ]);
    expect((await inside('confined', 'limited', 'cat', '/data/file')).stdout).toBe('kept\n');
    // What had done its work has not done it again.
    expect(await onHost('host-b', 'cat', `${applications}/chores/containers/short/upper/done`)).toBe(
      'done\n',
    );
    await cmigOk('stop', 'confined');
    await cmigOk('start', 'confined');
    expect((await inside('confined', 'limited', 'cat', '/data/file')).stdout).toBe('kept\n');
  });
});
