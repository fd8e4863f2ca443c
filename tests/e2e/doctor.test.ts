// `cmig host doctor`: what was broken on purpose is found, and the command that it names mends it.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import type { Finding } from '../../src/contract/diagnosis.ts';
import { waitFor } from '../../src/core/retry.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { cmig, cmigOk, images, lab, onHost, startCmig, tryOnHost, useLab } from './lab.ts';
import { labName } from './settings.ts';

interface Report {
  hosts: { host: string; findings: Finding[] }[];
}

async function doctor(...hosts: string[]): Promise<{ exitCode: number; found: Finding[]; all: Finding[] }> {
  const { exitCode, stdout } = await cmig('host', 'doctor', ...hosts, '-o', 'json');
  const all = (JSON.parse(stdout) as Report).hosts.flatMap(({ findings }) => findings);
  // Whether the test machine's root has all capabilities is not in our hands.
  const found = all.filter(({ level, check }) => level !== 'ok' && check !== 'capabilities');
  return { exitCode, found, all };
}

const sh = (host: string, script: string) => onHost(host, 'sh', '-c', script);

/** Each breaks host-b in one way. */
const breaks = [
  {
    what: 'a stray namespace, and a stray link',
    script: 'ip netns add cmig-stray && ip link add cm00000000000 type veth peer name nobody',
    says: [/namespace cmig-stray/, /link cm00000000000/],
  },
  {
    what: 'rules that drop what passes the bridge',
    script:
      "sysctl -qw net.bridge.bridge-nf-call-iptables=1; nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'",
    says: [/cut off/],
  },
  {
    what: 'an application whose peers would back off',
    script: 'nsenter --net=/run/netns/cmig-patient sysctl -qw net.ipv4.icmp_ratelimit=1000',
    says: [/icmp_ratelimit of patient is 1000/],
  },
  {
    what: 'files of a migration that nobody knows',
    script:
      'cd /var/lib/cmig && mkdir -p incoming/m-00000000/images migrations/m-00000000/images set-aside/patient-epoch-1-x',
    says: [/delivery m-00000000/, /frozen memory of migration m-00000000/, /put aside/],
  },
  {
    what: 'a mount and a process of what has gone',
    script:
      'cd /var/lib/cmig/applications && mkdir -p gone/x && mount -t tmpfs none gone/x && mkdir -p /run/cmig/containers/gone.x && cp /bin/sleep /run/cmig/containers/gone.x/hook && setsid --fork /run/cmig/containers/gone.x/hook 1000 </dev/null >/dev/null 2>&1',
    says: [/gone\/x is mounted/, /hook of gone\.x/],
  },
  {
    what: 'an sshd that has ended',
    // As it would end in an accident: not as its init knows.
    script: 'kill $(cat /run/sshd.pid) && while ss -tlnH | grep -q ":22 "; do sleep 0.05; done',
    says: [/no sshd listens/],
  },
] as const;

describe('cmig host doctor', () => {
  useLab();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cmig-e2e-'));
    await symlink(images, join(folder, 'images'));
    const manifest = {
      apiVersion: 'cmig.dev/v1',
      kind: 'Application',
      metadata: { name: 'patient' },
      spec: {
        host: 'host-b',
        network: { ports: [{ port: 80, hostPort: 8790 }] },
        containers: [{ name: 'only', image: 'dir:images/busybox', command: ['/bin/sleep', '100000'] }],
      },
    };
    await writeFile(join(folder, 'patient.yaml'), stringify(manifest));
    await cmigOk('apply', '-f', join(folder, 'patient.yaml'), '--allow-outside', '--wait');
    await sh('host-b', 'rm -rf /var/lib/cmig/set-aside');
  });
  afterAll(async () => {
    await cmig('delete', 'patient');
    await sh('host-b', 'sysctl -qw net.bridge.bridge-nf-call-iptables=0');
    // What was mended has left its empty folders.
    await sh('host-b', 'rm -rf /var/lib/cmig/applications/gone /var/lib/cmig/migrations/m-00000000');
    await sh('host-b', 'rm -rf /run/cmig/containers/gone.x');
    await rm(folder, { recursive: true, force: true });
  });

  it('finds nothing on hosts that are well, and has criu prove it', async () => {
    const { exitCode, found, all } = await doctor();
    expect(found).toEqual([]);
    expect(exitCode).toBe(0);
    const tested = all.filter(({ check }) => check === 'criu');
    expect(
      tested.map(({ level, message }) => ({ level, proves: /dumped and restored/.test(message) })),
    ).toEqual(Array(3).fill({ level: 'ok', proves: true }));
    const memory = all.filter(({ check }) => check === 'memory').map(({ message }) => message);
    expect(memory).toEqual(Array(3).fill(expect.stringMatching(/checkpoint dumps (all|only the) memory/)));
    // It leaves nothing.
    const left = await sh('host-b', 'ls /run/netns /run/cmig /run/cmig/containers; ls /run/cmig/runc');
    expect(left).not.toMatch(/self-?test/);
  });

  it.each([
    ['starts', 'runc/cmig-selftest.probe'],
    ['is dumped', 'containers/cmig-selftest.probe/held'],
  ])(
    'leaves nothing either where its agent is killed while the container of its test %s',
    async (_, file) => {
      const containers = () => onHost('host-c', 'runc', '--root', '/run/cmig/runc', 'list', '-q');
      const init = (await runningMachines(labName)).get('host-c')!;
      const [agent] = await findAgents(init);
      const isTested = async () => existsSync(`/proc/${init}/root/run/cmig/${file}`);
      let asking = startCmig('host', 'doctor', 'host-c');
      const look = async () => {
        if (await isTested()) return true;
        // A busy machine may have looked away meanwhile: once more.
        if (!existsSync(`/proc/${asking.pid}`)) asking = startCmig('host', 'doctor', 'host-c');
        return false;
      };
      await waitFor(look, { timeoutMs: 100_000, intervalMs: 2, what: 'the test of criu' });
      process.kill(agent!, 'SIGKILL');
      asking.kill('SIGKILL');
      await asking.ended;
      const isGone = async () => (await findAgents(init)).length === 0;
      await waitFor(isGone, { timeoutMs: 60_000, what: 'the end of the agent' });
      await lab('start', 'host-c', '--agent');
      await waitFor(async () => (await containers()).trim() === '', {
        timeoutMs: 60_000,
        what: 'the removal of what was left',
      });
      const isWell = async () => (await doctor('host-c')).found.length === 0;
      await waitFor(isWell, { timeoutMs: 60_000, what: 'the host being well' });
    },
  );

  it('finds what is broken, names what mends it, and that does', async () => {
    await sh('host-b', breaks.map(({ script }) => `( ${script} )`).join(' && '));
    const ill = await doctor('host-b');
    expect(ill.exitCode).toBe(1);
    const messages = ill.found.map(({ message }) => message);
    const expected = breaks.flatMap(({ says }) => [...says] as RegExp[]);
    for (const says of expected) expect(messages).toContainEqual(expect.stringMatching(says));
    expect(messages).toHaveLength(expected.length);

    const fromPeer = await doctor('host-a');
    expect(fromPeer.found).toMatchObject([
      { check: 'peers', level: 'problem', hint: expect.stringContaining('cmig host doctor host-b') },
    ]);

    const commands = ill.found.map(({ command }) => command!).join(' && ');
    expect(await tryOnHost('host-b', 'sh', '-c', commands)).toMatchObject({ exitCode: 0 });
    // The sshd goes into the background before it listens.
    const isWell = async () => {
      const { exitCode, found } = await doctor('host-a', 'host-b');
      return exitCode === 0 && found.length === 0;
    };
    await waitFor(isWell, { timeoutMs: 60_000, what: 'both hosts being well' });
  });

  it('finds what keeps a published port from answering', async () => {
    const until = (what: string, is: (found: Finding[]) => boolean): Promise<Finding[]> =>
      waitFor(
        async () => {
          const { found } = await doctor('host-b');
          return is(found) && found;
        },
        { timeoutMs: 60_000, what },
      );
    // Those that drop what passes the bridge are another problem, and stay where that is mended.
    await sh('host-b', 'nft delete table ip filter; sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    const [translated] = await until('translated packets', ([first]) =>
      /translated/.test(first?.message ?? ''),
    );
    await sh('host-b', translated!.command!);
    await until('an end of it', (found) => found.length === 0);

    await sh('host-b', 'setsid busybox nc -l -p 8790 < /dev/null > /dev/null 2>&1 & echo $! > /root/taker');
    const [taken] = await until('a port that is taken', (found) => found.length > 0);
    expect(taken).toMatchObject({
      check: 'ports',
      message: 'patient does not answer at port 8790/tcp here: a program of this host has it',
    });
    await sh('host-b', 'kill $(cat /root/taker)');
    await until('its end', (found) => found.length === 0);
  });
});
