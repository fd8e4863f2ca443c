// The bridge by which applications reach the network.
import { readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { runProcess } from '../../src/core/run-process.ts';
import type { AgentConfig } from '../config.ts';
import { ok, problem, quoted, type Said, warning } from './findings.ts';

/** An interface as `ip -json link` shows it. */
interface Link {
  flags: string[];
  linkinfo?: { info_kind?: string };
}

export async function lookAtBridge({ network: { bridge, overlay }, address }: AgentConfig): Promise<Said[]> {
  const name = quoted(bridge);
  const { stdout } = await runProcess('ip', ['-json', '-details', 'link', 'show', 'dev', bridge], {
    allowedExitCodes: [0, 1],
  });
  const [link] = (stdout.trim().startsWith('[') ? JSON.parse(stdout) : []) as Link[];
  if (!link) {
    return [
      problem(`there is no bridge ${bridge}`, {
        command: `ip link add ${name} type bridge && ip link set ${name} up`,
        hint: "the README's part on real hosts says how to keep it, with the network card in it",
      }),
    ];
  }
  if (link.linkinfo?.info_kind !== 'bridge')
    return [problem(`${bridge} is no bridge`, { hint: 'name one as network.bridge in the configuration' })];
  if (!link.flags.includes('UP'))
    return [problem(`the bridge ${bridge} is down`, { command: `ip link set ${name} up` })];
  const ports = await readdir(`/sys/class/net/${bridge}/brif`).catch(() => []);
  const said: Said[] = [];
  if (!overlay && !ports.some((port) => !/^cm[0-9a-f]{11}$/.test(port)))
    said.push(
      warning(`no network card is in the bridge ${bridge}: applications reach nothing but this host`, {
        hint: `ip link set CARD master ${bridge}`,
      }),
    );
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  if (!own.some((each) => each.address === address))
    said.push(
      warning(`no interface has the address ${address}, by which peers are told to reach this host`, {
        hint: 'correct "address" in the configuration, unless a gateway translates it',
      }),
    );
  return said.length > 0 ? said : [ok(`the bridge ${bridge} is up, ${address} is this host's`)];
}
