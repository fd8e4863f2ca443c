// Looks for any sign of life of a peer, for a person who takes it for lost.
import { createConnection } from 'node:net';
import type { RpcClient } from '../../src/broker/rpc-client.ts';
import type { HostRecord } from '../../src/contract/host.ts';
import { codeOf } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { Sign } from '../migration/resolving.ts';

const answerMs = 5000;

/** What `peer` itself, or anything at its address, says of a migration; takes up to 5 s. */
export async function lookForHost(rpc: RpcClient, peer: HostRecord, migration: string): Promise<Sign> {
  const [agent, port, echo] = await Promise.all([
    askAgent(rpc, peer.name, migration),
    knock(peer),
    ping(peer.address),
  ]);
  if (agent) return agent;
  if (port) return { sign: 'address', what: port };
  if (echo) return { sign: 'address', what: `${peer.address} answers to ping` };
  return { sign: 'none' };
}

async function askAgent(rpc: RpcClient, host: string, migration: string): Promise<Sign | undefined> {
  try {
    const { status } = await rpc.call(host, 'migration.get', { migration }, { timeoutMs: answerMs });
    return { sign: 'state', state: status.state as never };
  } catch (error) {
    if (codeOf(error) !== 'not-found') return undefined;
  }
  // The broker says the same of a host that never was: ask for something that every agent knows.
  const lives = await rpc.call(host, 'agent.describe', {}, { timeoutMs: answerMs }).then(
    () => true,
    () => false,
  );
  return lives ? { sign: 'no-journal' } : undefined;
}

/** A refused connection is an answer too. */
function knock({ address, sshPort }: HostRecord): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port: sshPort, timeout: answerMs });
    const end = (what?: string) => {
      socket.destroy();
      resolve(what);
    };
    socket.on('connect', () => end(`its SSH port answers (${address} port ${sshPort})`));
    socket.on('timeout', () => end());
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? `its machine answers (${address})` : undefined),
    );
  });
}

async function ping(address: string): Promise<boolean> {
  const { exitCode } = await runProcess('busybox', ['ping', '-c', '2', '-W', '1', address], {
    timeoutMs: answerMs,
    allowedExitCodes: [0, 1, 2],
  }).catch(() => ({ exitCode: 1 }));
  return exitCode === 0;
}
