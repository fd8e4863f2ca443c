// SSH: is this host's own sshd there for its peers, and do all peers let this host in?
import { createConnection } from 'node:net';
import type { KnownHost } from '../../src/contract/host.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';
import { listProcessTable } from '../runtime/process-table.ts';
import { ok, problem, quoted, type Said, warning } from './findings.ts';

/** A peer that has not been heard for so long is down, which is not this host's trouble. */
const heardWithinMs = 20_000;

/** How the sshd that listens was started, as far as it was ever seen; by it one that has ended is started again. */
let lastSeen: string | undefined;

export async function lookAtOwnSshd({ context: { config } }: Pick<Machine, 'context'>): Promise<Said> {
  const { address, ssh } = config;
  const where = `${address} port ${ssh.port}`;
  lastSeen = (await commandOfSshd()) ?? lastSeen;
  if (await listens(address, ssh.port)) return ok(`sshd listens at ${where}`);
  return problem(`no sshd listens at ${where}: peers cannot send to this host`, {
    command: lastSeen ?? 'systemctl restart ssh || service ssh restart',
  });
}

export async function lookAtPeers({ context, hosts, transfer }: Machine): Promise<Said[]> {
  const peers = hosts.list().filter(({ name }) => name !== context.config.name);
  if (peers.length === 0) return [ok('no other host is known')];
  return await Promise.all(
    peers.map(async (peer) => {
      try {
        // A moment after it came, another host may have told of it, and it has not yet.
        if (isHeard(peer)) await hosts.untilTrusted(peer.name);
        await transfer.probe(peer);
        return ok(`${peer.name} lets this host in`);
      } catch (error) {
        return unreachable(peer, error);
      }
    }),
  );
}

const isHeard = ({ lastSeen }: KnownHost): boolean => Date.now() - Date.parse(lastSeen) <= heardWithinMs;

function unreachable(peer: KnownHost, error: unknown): Said {
  const told = error instanceof Error ? error.message : String(error);
  if (!isHeard(peer))
    return warning(`${peer.name} was last heard at ${peer.lastSeen}; ${told}`, {
      hint: `is ${peer.name} up, and its agent?`,
    });
  const hint = error instanceof CmigError ? error.hint : undefined;
  return problem(told, { hint: `${hint ? `${hint}; ` : ''}see: cmig host doctor ${peer.name}` });
}

/** systemd's where there is one, since it would not know of any other. */
async function commandOfSshd(): Promise<string | undefined> {
  const table = await listProcessTable();
  const title = table.map(({ commandLine }) => commandLine.join(' ')).find((line) => isListener.test(line));
  const words = isListener
    .exec(title ?? '')?.[1]
    ?.trim()
    .split(/\s+/);
  if (!words) return undefined;
  if (table.some(({ pid, name }) => pid === 1 && name === 'systemd')) return 'systemctl restart ssh';
  return words.map(quoted).join(' ');
}

/** OpenSSH's title: `sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups`. */
const isListener = /^sshd: (\/.*) \[listener\]/;

function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port, timeout: 3000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
