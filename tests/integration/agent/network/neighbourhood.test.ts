// Where applications are, over a real broker: asked for by a host that has heard nothing of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { AgentConfig } from '../../../../agent/config.ts';
import type { AgentContext } from '../../../../agent/context.ts';
import { macOf } from '../../../../agent/network/application-network.ts';
import { Neighbourhood, type NetworkView } from '../../../../agent/network/neighbourhood.ts';
import { HostRegistry } from '../../../../agent/peers/host-registry.ts';
import { AgentPaths } from '../../../../agent/store/paths.ts';
import type { BrokerConnection } from '../../../../src/broker/connection.ts';
import { EventPublisher, type EventSubscription, subscribeEvents } from '../../../../src/broker/events.ts';
import { RpcClient } from '../../../../src/broker/rpc-client.ts';
import type { HostRecord } from '../../../../src/contract/host.ts';
import type { Place } from '../../../../src/contract/place.ts';
import { waitFor } from '../../../../src/core/retry.ts';
import { startAgent } from '../../broker/agents.ts';
import { startRabbitmq, type TestBroker } from '../../rabbitmq.ts';

let folder: string;
let broker: TestBroker;
let connection: BrokerConnection;
let hosts: HostRegistry;
let heard: EventSubscription;
let neighbourhood: Neighbourhood;
let view: NetworkView;
let heartbeat: NodeJS.Timeout;
/** What the others answer, which tell nothing by themselves. */
const has: Record<string, Place[]> = { 'host-b': [], 'host-c': [] };

const names = ['shop', 'opening', 'thief', 'innocent', 'other', 'another', 'last'];
const place = (application: string, epoch: number): Place => ({
  application,
  address: `10.77.0.${names.indexOf(application) + 10}`,
  mac: macOf(application),
  epoch,
});
const peer = (name: string, index: number): HostRecord => ({
  name,
  address: `10.0.0.${index}`,
  sshPort: 22,
  sshHostKey: 'ssh-ed25519 BBBBhost',
  transferKey: 'ssh-ed25519 BBBBtransfer',
  labels: {},
  protocolVersion: 1,
  version: 1,
});
const hostOf = (application: string) => view.places.find((known) => known.application === application)?.host;
const until = (application: string, host: string) =>
  waitFor(() => hostOf(application) === host, {
    timeoutMs: 30_000,
    what: `${application} on ${host}, where ${JSON.stringify(view.places)} is known`,
  });
/** Host-b says of itself what it likes. */
let hostB: EventPublisher;
let hostC: EventPublisher;
const tell = (places: Place[]) => hostB.publish('host.placed', { places });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-neighbourhood-'));
  for (const key of ['host.pub', 'identity.pub'])
    await writeFile(join(folder, key), 'ssh-ed25519 AAAA root@a\n');
  const config = {
    name: 'host-a',
    address: '10.0.0.1',
    labels: {},
    network: { bridge: 'cmig0', range: '10.77.0.0/17' },
    dataDirectory: folder,
    runDirectory: folder,
    ssh: {
      port: 22,
      hostKeyFile: join(folder, 'host.pub'),
      identityFile: join(folder, 'identity'),
      authorizedKeysFile: join(folder, 'authorized_keys'),
    },
  } as unknown as AgentConfig;
  const [paths, log] = [new AgentPaths(config), pino({ level: 'silent' })];
  broker = await startRabbitmq();
  connection = await broker.connect('host-a');
  hosts = new HostRegistry({ config, paths, log });
  await hosts.open();
  for (const name of Object.keys(has))
    await startAgent(connection, name, { 'host.places': async () => ({ places: has[name]! }) });
  const hearAll = async () => {
    for (const [index, name] of Object.keys(has).entries()) await hosts.hear(peer(name, index + 2));
  };
  await hearAll();
  // Neither is lost, however long this takes.
  heartbeat = setInterval(() => void hearAll(), 1000);
  const context = {
    ...{ config, paths, log },
    events: new EventPublisher(connection, 'host-a'),
    rpc: new RpcClient(connection, { caller: 'test@here' }),
  } as unknown as AgentContext;
  const take = async (now: NetworkView) => {
    view = now;
  };
  neighbourhood = new Neighbourhood(context, hosts, [{ open: take, apply: take }]);
  await neighbourhood.open([]);
  heard = await subscribeEvents(connection, { types: ['host.placed'], stat: true });
  void neighbourhood.listen(heard);
  hostB = new EventPublisher(connection, 'host-b');
  hostC = new EventPublisher(connection, 'host-c');
}, 60_000);

afterAll(async () => {
  clearInterval(heartbeat);
  await heard?.close();
  await neighbourhood?.close();
  await connection?.close();
  await broker?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a host', () => {
  it('that missed a move learns of it by asking', async () => {
    has['host-b'] = [place('shop', 1)];
    await neighbourhood.askPeers();
    await until('shop', 'host-b');
    Object.assign(has, { 'host-b': [], 'host-c': [place('shop', 2)] });
    await neighbourhood.askPeers();
    await until('shop', 'host-c');
  });

  it('believes nobody who says he has what runs elsewhere, before he who has it agrees', async () => {
    // Until its channel is open, what it says is dropped.
    await waitFor(
      () => {
        tell([place('opening', 1)]);
        return hostOf('opening');
      },
      { timeoutMs: 30_000, what: 'a first word of host-b' },
    );
    const thief = { ...place('thief', 1), address: place('shop', 2).address };
    // What follows in the same breath shows that it has been taken in.
    tell([place('shop', 99), thief, place('innocent', 1)]);
    await until('innocent', 'host-b');
    expect([hostOf('shop'), hostOf('thief')]).toEqual(['host-c', undefined]);
    // Nor after host-c was asked.
    await neighbourhood.askPeers();
    expect([hostOf('shop'), hostOf('thief')]).toEqual(['host-c', undefined]);
    // Neither the MAC of another one nor the address of a host.
    const others = [
      { ...place('other', 1), mac: macOf('shop') },
      { ...place('another', 1), address: '10.0.0.3' },
    ];
    tell([...others, place('last', 1)]);
    await until('last', 'host-b');
    expect([hostOf('other'), hostOf('another')]).toEqual([undefined, undefined]);

    // Host-c agrees, but its word has not come: it is asked.
    has['host-c'] = [{ ...place('shop', 2), to: 'host-b' }];
    tell([place('shop', 3)]);
    await until('shop', 'host-b');
  });

  it('that was removed has nothing any more: its addresses and ports are free', async () => {
    expect(hostOf('shop')).toBe('host-b');
    await hosts.put({ ...peer('host-b', 2), gone: true, version: 2 });
    const isFree = () => !view.places.some(({ host }) => host === 'host-b');
    await waitFor(isFree, { timeoutMs: 30_000, what: `the end of ${JSON.stringify(view.places)}` });
    // Its last word may come behind that; the first one of host-c is dropped until its channel is open.
    const isElsewhere = () => {
      tell([place('shop', 5)]);
      hostC.publish('host.placed', { places: [place('shop', 4)] });
      return hostOf('shop') === 'host-c';
    };
    await waitFor(isElsewhere, { timeoutMs: 30_000, what: 'what it had being on host-c' });
  });
});
