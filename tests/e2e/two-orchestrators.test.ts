// Two who want to change one application at once: one does, the other is told who; and agents that are asked without
// the mutex keep the two apart themselves.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrokerConnection } from '../../src/broker/connection.ts';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import type { Application } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { addressOf, cmig, cmigJson, hosts, lab, useLab } from './lab.ts';
import { connectToLab } from './lab-broker.ts';
import { NumberedStream } from './numbered-stream.ts';
import { labName, settings } from './settings.ts';
import { applyTicker } from './ticker.ts';

useLab();

let folder: string;
let file: string;
let stream: NumberedStream;
/** Two who ask agents by themselves. */
let connections: BrokerConnection[] = [];
let rpc: RpcClient;
let otherRpc: RpcClient;

beforeAll(async () => {
  folder = await mkdtemp(join(settings.folder, 'two-'));
  file = await applyTicker(folder, 'shop2', { ballastMb: 16 });
  connections = await Promise.all(['one', 'other'].map((name) => connectToLab(labName, name)));
  [rpc, otherRpc] = connections.map((each) => new RpcClient(each, { caller: each.name })) as [
    RpcClient,
    RpcClient,
  ];
  stream = await NumberedStream.open({ host: await addressOf('shop2'), port: 7000 });
  // No image is sent later on: what takes its time is the memory.
  for (const digest of await imagesOfShop())
    for (const to of ['host-b', 'host-c']) await rpc.callLong('host-a', 'image.send', { digest, to });
  await Promise.all(hosts.map((host) => lab('shape', host, '--rate', '60mbit')));
});
afterAll(async () => {
  stream?.close();
  for (const connection of connections) await connection.close();
  await Promise.all(hosts.map((host) => lab('shape', host, '--rate', 'none')));
  await rm(folder, { recursive: true });
});

async function imagesOfShop(): Promise<string[]> {
  const { status } = await cmigJson<Application>('get', 'application', 'shop2');
  return status.containers.map(({ image }) => image);
}

/** As a host has written it down. */
async function whereKnown(host: string): Promise<string | undefined> {
  const file = join(new LabPaths(labName).machine(host).data, 'places.json');
  const text = await readFile(file, 'utf8').catch(() => '{"places":[]}');
  const { places } = JSON.parse(text) as { places: { application: string; host: string }[] };
  return places.find(({ application }) => application === 'shop2')?.host;
}

const othersThan = (host: string): [string, string] =>
  hosts.filter((each) => each !== host) as unknown as [string, string];

/** Where it is; there is exactly one of it, and it has lost and repeated nothing. */
async function theOnlyOne(): Promise<{ host: string; phase: string; epoch: number }> {
  const { items } = await cmigJson<{ items: Application[] }>('get', 'applications');
  const found = items.filter(({ metadata }) => metadata.name === 'shop2');
  expect(found).toHaveLength(1);
  await stream.more(5);
  expect(stream.problems).toEqual([]);
  const { host, phase, epoch } = found[0]!.status;
  return { host, phase, epoch };
}

describe('of two at once', () => {
  it('that migrate to two hosts, one commits and the other is told who', async () => {
    let before = await theOnlyOne();
    let targets = othersThan(before.host);
    const both = () => Promise.all(targets.map((host) => cmig('migrate', 'shop2', host)));
    let ends = await both();
    // On a busy machine the one may have been done before the other began.
    while (ends.every(({ exitCode }) => exitCode === 0)) {
      expect((await theOnlyOne()).epoch).toBe(before.epoch + 2);
      before = await theOnlyOne();
      targets = othersThan(before.host);
      ends = await both();
    }
    expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 4]);
    const winner = targets[ends.findIndex(({ exitCode }) => exitCode === 0)]!;
    const { stderr } = ends.find(({ exitCode }) => exitCode === 4)!;
    expect(stderr).toMatch(
      new RegExp(`"shop2" is being worked on by \\S+@\\S+ \\(\\d+\\): cmig migrate shop2 ${winner}`),
    );
    expect(await theOnlyOne()).toEqual({ host: winner, phase: 'Running', epoch: before.epoch + 1 });
  });

  it('the one that stops, deletes or applies is turned away while the other migrates', async () => {
    const before = await theOnlyOne();
    const [to, another] = othersThan(before.host);
    // So slow that it is under way until all of them have been turned away.
    await lab('shape', to, '--rate', '3mbit');
    const moving = cmig('migrate', 'shop2', to);
    await waitFor(
      async () => {
        const { migrations } = await rpc.call(to, 'migration.list', {}, { timeoutMs: 60_000 });
        return migrations.some(({ status }) => status.state === 'prepared');
      },
      { timeoutMs: 60_000, intervalMs: 20, what: 'the migration' },
    );
    const [applied, ...others] = await Promise.all([
      cmig('apply', '--allow-outside', '-f', file),
      cmig('stop', 'shop2'),
      cmig('delete', 'shop2'),
      cmig('migrate', 'shop2', another),
    ]);
    // It plans before it wants to change anything.
    expect(applied).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/being (migrated|worked on)/),
    });
    const words = new RegExp(`"shop2" is being worked on by \\S+@\\S+ \\(\\d+\\): cmig migrate shop2 ${to}`);
    for (const { exitCode, stderr } of others)
      expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: expect.stringMatching(words) });
    await lab('shape', to, '--rate', '60mbit');
    expect(await moving).toMatchObject({ exitCode: 0 });
    expect(await theOnlyOne()).toEqual({ host: to, phase: 'Running', epoch: before.epoch + 1 });
  });

  it('that ask the agents without the mutex, one is refused by them and harms nothing', async () => {
    const before = await theOnlyOne();
    const from = before.host;
    const [oneHost, otherHost] = othersThan(from);
    // One that has slept through a move still believes that it is elsewhere, and would make it there again.
    await waitFor(async () => (await whereKnown(oneHost)) === from, {
      timeoutMs: 60_000,
      what: `${oneHost} knowing where shop2 is`,
    });
    const { metadata, spec, status, ...kind } = await cmigJson<Application>('get', 'application', 'shop2');
    const deployment = {
      manifest: { ...kind, metadata, spec },
      images: Object.fromEntries(status.containers.map(({ name, image }) => [name, image])),
      address: status.address,
    };
    await expect(rpc.callLong(oneHost, 'application.deploy', deployment)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`shop2 is on ${from}`),
    });
    expect(await theOnlyOne()).toEqual(before);
    const stamp = Date.now().toString(36);
    const plans = [
      { rpc, to: oneHost, migration: `m-${stamp}one` },
      { rpc: otherRpc, to: otherHost, migration: `m-${stamp}other` },
    ];
    const terms = { strategy: 'stop-and-copy', leaseMs: 120_000 };
    for (const { rpc, to, migration } of plans) {
      const { facts } = await rpc.call(
        from,
        'migration.preflight.source',
        { application: 'shop2', to },
        { timeoutMs: 60_000 },
      );
      const request = { migration, from, facts: facts!, ...terms };
      await rpc.callLong(to, 'migration.prepare', request);
      // A destination takes one migration of an application at a time as well.
      await expect(
        rpc.callLong(to, 'migration.prepare', { ...request, migration: `${migration}2` }),
      ).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(migration) });
    }
    const presyncs = await Promise.allSettled(
      plans.map(({ rpc, to, migration }) =>
        rpc.callLong(from, 'migration.presync', { migration, application: 'shop2', to, ...terms }),
      ),
    );
    expect(presyncs.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const won = plans[presyncs.findIndex(({ status }) => status === 'fulfilled')]!;
    const lost = plans.find((plan) => plan !== won)!;
    expect(presyncs.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'conflict', message: expect.stringContaining(won.migration) },
    });

    const freezing = won.rpc.callLong(from, 'migration.freeze', { migration: won.migration });
    const again = { migration: `m-${stamp}third`, application: 'shop2', to: lost.to, ...terms };
    await expect(lost.rpc.callLong(from, 'migration.presync', again)).rejects.toMatchObject({
      code: 'conflict',
    });
    await freezing;
    // What was refused must not have thawed what is frozen: then there would be no permit.
    await won.rpc.callLong(won.to, 'migration.restore', { migration: won.migration });
    const ended = await won.rpc.callLong(from, 'migration.finish', { migration: won.migration });
    expect(ended.status).toMatchObject({ outcome: 'committed' });
    await lost.rpc.callLong(lost.to, 'migration.abort', { migration: lost.migration, reason: 'refused' });
    expect(await theOnlyOne()).toEqual({ host: won.to, phase: 'Running', epoch: before.epoch + 1 });
  });
});
