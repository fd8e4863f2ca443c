// Readiness probes: a listening port, a command in the container, or an HTTP request from inside its network.
import { readFile } from 'node:fs/promises';
import type { Readiness } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { spawnProcess } from '../../src/core/run-process.ts';
import { namespacePath } from '../network/namespace-path.ts';
import { containerId } from '../store/paths.ts';
import type { Runc } from './runc.ts';

export interface ProbeTarget {
  application: string;
  container: string;
  /** Of the application. A service may listen there, or on loopback only. */
  address: string;
  pid: number;
}

const attemptMs = 2000;

/** One attempt. Resolves with undefined where it is ready, else with what was found instead. */
export async function probe(
  ready: Readiness,
  target: ProbeTarget,
  runc: Runc,
  env: { PATH: string },
): Promise<string | undefined> {
  if (ready.exec) return probeByCommand(ready.exec, target, runc);
  const port = ready.tcp ?? ready.http?.port;
  if (port === undefined) return undefined;
  // A socket that listens is one that accepts; the kernel's table tells so without a trace in the application.
  const listens = await listeningAddresses(target.pid, port);
  if (listens.length === 0) return `nobody listens on port ${port}`;
  if (!ready.http) return undefined;
  const onLoopback = listens.includes('any') || listens.includes('127.0.0.1');
  return probeByRequest(onLoopback ? '127.0.0.1' : target.address, port, ready.http.path ?? '/', target, env);
}

async function probeByCommand(
  command: string[],
  target: ProbeTarget,
  runc: Runc,
): Promise<string | undefined> {
  const { application, container } = target;
  try {
    await runc.run(
      application,
      container,
      [
        'exec',
        containerId(application, container),
        ...(await runc.commandIn(application, container, command)),
      ],
      {
        timeoutMs: attemptMs * 5,
      },
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof CmigError)) throw error;
    const last = error.tool?.output.at(-1);
    return `${command[0]} ${error.tool?.exitCode === undefined ? 'failed' : `exits with ${error.tool.exitCode}`}${last ? `: ${last}` : ''}`;
  }
}

async function probeByRequest(
  address: string,
  port: number,
  path: string,
  target: ProbeTarget,
  env: { PATH: string },
): Promise<string | undefined> {
  const nc = spawnProcess(
    'nsenter',
    [`--net=${namespacePath(target.application)}`, '--', 'busybox', 'nc', address, String(port)],
    { env, stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const timer = setTimeout(() => nc.kill('SIGKILL'), attemptMs);
  let head = '';
  try {
    nc.stdin?.on('error', () => {});
    // Its input stays open until the answer is there: some servers take a half-closed connection for an ended one.
    nc.stdin?.write(
      `GET ${path} HTTP/1.1\r\nHost: ${target.application}\r\nUser-Agent: cmig\r\nConnection: close\r\n\r\n`,
    );
    for await (const chunk of nc.stdout ?? []) {
      head += String(chunk);
      if (head.includes('\n') || head.length > 4096) break;
    }
  } finally {
    clearTimeout(timer);
    nc.kill('SIGKILL');
    await nc.ended;
  }
  const status = Number(/^HTTP\/[0-9.]+ ([0-9]{3})/.exec(head)?.[1] ?? 0);
  if (status >= 200 && status <= 399) return undefined;
  return status === 0 ? `${address}:${port} does not answer HTTP` : `GET ${path} is answered with ${status}`;
}

const listenState = '0A';

/** IPv4 addresses on which somebody in the process's network listens; `any` for the wildcard of either family. */
export async function listeningAddresses(pid: number, port: number): Promise<string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) => parseListeners(table, port));
}

/** From /proc/net/tcp or tcp6: addresses are little-endian hexadecimal words. */
export function parseListeners(table: string, port: number): string[] {
  const found: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', hexPort = ''] = local.split(':');
    if (state !== listenState || Number.parseInt(hexPort, 16) !== port) continue;
    const last = address.slice(-8);
    const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(last.slice(at, at + 2), 16));
    found.push(/^0+$/.test(address) || bytes.every((byte) => byte === 0) ? 'any' : bytes.join('.'));
  }
  return found;
}
