// A checkpoint in the midst of a conversation: what one program has sent and the other has received agree.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { stringify } from 'yaml';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import { waitFor } from '../../src/core/retry.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { addressOf, cmigJson, cmigOk, images, useLab } from './lab.ts';
import { labName, settings } from './settings.ts';

const ports = { receiver: 7001, sender: 7002 } as const;
type Role = keyof typeof ports;
/** A message, as pair.py writes it. */
const messageBytes = 64;

interface State {
  life: number;
  sent: number;
  received: number;
  answered: number;
  broken: string | null;
}

describe('a checkpoint of two programs that talk to each other', () => {
  useLab();
  jest.setTimeout(240_000);
  let folder: string;
  let address: string;
  let before: Record<Role, State>;
  let taken: Checkpoint;
  /** At the checkpoint. */
  let at: Record<Role, Omit<State, 'life' | 'broken'>>;

  const ask = async (role: Role): Promise<State> => {
    let text = '';
    for await (const chunk of connect({ host: address, port: ports[role] })) text += chunk;
    return JSON.parse(text) as State;
  };
  const askBoth = async (): Promise<Record<Role, State>> => ({
    receiver: await ask('receiver'),
    sender: await ask('sender'),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
    const program = await readFile(join(import.meta.dirname, 'manifests/pair.py'), 'utf8');
    const container = (name: Role) => ({
      name,
      image: 'dir:images/python',
      command: ['python3', '-c', program],
      env: [
        { name: 'ROLE', value: name },
        { name: 'PORT', value: String(ports[name]) },
      ],
      volumes: [{ name: 'data', mountPath: '/data' }],
      stopTimeout: '1s',
      ready: { tcp: ports[name] },
    });
    await writeFile(
      join(folder, 'pair.yaml'),
      stringify({
        apiVersion: 'cmig.dev/v1',
        kind: 'Application',
        metadata: { name: 'pair' },
        spec: {
          host: 'host-a',
          containers: [container('receiver'), { ...container('sender'), dependsOn: ['receiver'] }],
          volumes: [{ name: 'data' }],
        },
      }),
    );
    await cmigOk('apply', '-f', join(folder, 'pair.yaml'), '--allow-outside', '--wait');
    address = await addressOf('pair');
    // The reader is slow: by now the socket between them is full.
    const isUnderWay = async () => (await ask('sender')).answered > 500;
    await waitFor(isUnderWay, { timeoutMs: 60_000, what: 'the conversation' });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has no more between them than was in flight in their sockets', async () => {
    before = await askBoth();
    taken = await cmigJson<Checkpoint>('checkpoint', 'pair', '--name', 'midst');
    const read = async (role: Role) => {
      const kept = join(new LabPaths(labName).machine('host-a').data, 'checkpoints/pair/midst');
      const file = await readFile(join(kept, 'files/volumes/data', role));
      const [sent, received, answered] = [0, 8, 16].map((from) => Number(file.readBigUInt64LE(from)));
      return { sent: sent!, received: received!, answered: answered! };
    };
    at = { receiver: await read('receiver'), sender: await read('sender') };

    const { sockets } = taken.status;
    const one = sockets.find(({ container, peer }) => container === 'sender' && peer === '127.0.0.1:7100');
    const other = sockets.find(({ container, peer }) => container === 'receiver' && peer === one?.local);
    expect([one?.state, other?.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
    // Beside what is in the sockets: what one was just about to send, and what the other had read and not noted yet.
    const inHands = 2 * messageBytes;
    const upTo = (sent: number, received: number) => (sent - received) * messageBytes;
    const forth = upTo(at.sender.sent, at.receiver.received);
    expect(forth).toBeGreaterThan(0);
    expect(forth).toBeLessThanOrEqual(one!.sendQueueBytes + other!.receiveQueueBytes + inHands);
    const back = upTo(at.receiver.answered, at.sender.answered);
    expect(back).toBeGreaterThanOrEqual(0);
    expect(back).toBeLessThanOrEqual(other!.sendQueueBytes + one!.receiveQueueBytes + inHands);

    const told = await cmigOk('describe', 'checkpoint', 'midst');
    expect(told).toMatch(/receiver: +tcp +LISTEN +127\.0\.0\.1:7100/);
    expect(told).toContain(`${one!.local} -> 127.0.0.1:7100`);
  });

  it.each([
    ['goes on from where it was on the same host', 'host-a'],
    ['goes on from where it was on another host', 'host-b'],
  ])('%s, without an error, a gap or a repeat', async (_, host) => {
    // What the checkpoint does not know of.
    const isBeyond = async () => (await ask('sender')).answered > at.sender.sent;
    await waitFor(isBeyond, { timeoutMs: 60_000, what: 'the conversation going on' });
    await cmigOk('restore', 'pair', '--checkpoint', 'midst', '--host', host, '--discard-current');
    await waitFor(isBeyond, { timeoutMs: 60_000, what: 'all that was in flight having come' });
    for (const [role, { life, broken }] of Object.entries(await askBoth()))
      expect({ role, life, broken }).toEqual({ role, life: before[role as Role].life, broken: null });
  });
});
