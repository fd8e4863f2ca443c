// Whether what is shown, and what is published, agrees with what `cmig get` says.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '../../src/contract/application.ts';
import { NumberedStream } from '../e2e/numbered-stream.ts';
import { hasTicker, hostPortOf, isOpen } from './manifests.ts';

const openLimitMs = 10_000;

/** `describe`, of one of them, and `topology` tell what `get` tells. */
export async function screenProblems(
  cmig: (...args: string[]) => Promise<string>,
  hosts: readonly string[],
  applications: readonly Application[],
  turn: number,
): Promise<string[]> {
  const problems: string[] = [];
  const picture = await cmig('topology', '--once');
  const boxes = readBoxes(picture);
  for (const { metadata, status } of applications) {
    const line = `${metadata.name} ${status.phase} ${status.address}`;
    for (const host of hosts) {
      const there = boxes.get(host)?.includes(line) ?? false;
      if (there !== (host === status.host))
        problems.push(`topology shows ${there ? line : `no "${line}"`} on ${host}:\n${picture}`);
    }
  }
  const some = applications[turn % Math.max(1, applications.length)];
  if (some) {
    const { status, spec } = JSON.parse(
      await cmig('describe', 'application', some.metadata.name, '-o', 'json'),
    ) as Application;
    const of = (each: Pick<Application, 'status' | 'spec'>) =>
      JSON.stringify([
        each.status.host,
        each.status.phase,
        each.status.epoch,
        each.status.address,
        each.spec,
      ]);
    if (of({ status, spec }) !== of(some))
      problems.push(`describe says ${of({ status, spec })}, and get ${of(some)}`);
  }
  return problems;
}

/** Published ports lead to it from every host. */
export async function portProblems(
  hosts: readonly { name: string; address: string }[],
  applications: readonly Application[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const each of applications) {
    if (!hasTicker(each) || !isOpen(each) || each.status.phase !== 'Running') continue;
    const name = each.metadata.name;
    for (const { name: host, address } of hosts) {
      const stream = await openStream(address, hostPortOf(name));
      const came = await stream?.more(1, 10_000).then(
        () => true,
        () => false,
      );
      stream?.close();
      if (!came) problems.push(`${name} does not answer at port ${hostPortOf(name)} of ${host}`);
    }
  }
  return problems;
}

export async function openStream(host: string, port: number): Promise<NumberedStream | undefined> {
  const opened = NumberedStream.open({ host, port }).catch(() => undefined);
  return Promise.race([opened, sleep(openLimitMs).then(() => undefined)]);
}

/** Host -> what stands in its box; boxes stand beside each other. */
function readBoxes(picture: string): Map<string, string> {
  const boxes = new Map<string, string>();
  let open: (string | undefined)[] = [];
  for (const line of picture.split('\n')) {
    if (line.startsWith('╭')) {
      open = line.split('╮╭').map((part) => /─ (\S+) /.exec(part)?.[1]);
      continue;
    }
    if (!line.startsWith('│')) continue;
    for (const [index, part] of line.split('││').entries()) {
      const host = open[index];
      if (host) boxes.set(host, `${boxes.get(host) ?? ''}\n${part.replace(/^│/, '')}`);
    }
  }
  return boxes;
}
