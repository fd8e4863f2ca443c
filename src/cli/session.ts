// A connection to the broker of the context, for the length of one command.
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import type { TlsFiles } from '../broker/broker-tls.ts';
import { type BrokerConnection, connectBroker } from '../broker/connection.ts';
import { RpcClient } from '../broker/rpc-client.ts';
import { soonExpired } from '../core/certificate.ts';
import { CmigError } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';
import type { Invocation } from './command.ts';
import { type Context, resolveContext } from './contexts.ts';

export interface Session {
  connection: BrokerConnection;
  rpc: RpcClient;
  context: Context;
  /** user@machine (process): who holds a lock, who asked an agent. */
  caller: string;
}

export interface SessionOptions {
  /** Come back after a loss of the broker: for what watches, and for what must be seen through to its end. */
  reconnect?: boolean;
  /** How long the connection may take to be made. */
  timeoutMs?: number;
  /** Told when the connection goes and when it is there again. */
  onState?: (state: 'connected' | 'disconnected' | 'closed') => void;
}

/**
 * Connects to the broker of the invocation's context, does the work, and closes.
 * @throws CmigError `not-found` without a context, `unreachable` without a broker; what the work throws
 */
export async function withOrchestrator<T>(
  invocation: Pick<Invocation, 'context' | 'path'> & Partial<Pick<Invocation, 'notice'>>,
  work: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  const context = await resolveContext(invocation.context);
  const { url, insecure } = context.broker;
  const timeoutMs = requestTimeoutMs();
  const connection = await connectBroker({
    url,
    insecure,
    credentials: readCredentials(context),
    tls: tlsFilesOf(context),
    name: `${invocation.path} ${userName()}@${hostname()} (${process.pid})`,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...options,
  });
  // Agents refuse who calls himself otherwise than the broker does.
  const caller = `${connection.user ?? userName()}@${hostname()} (${process.pid})`;
  const rpc = new RpcClient(connection, { caller, requestTimeoutMs: timeoutMs });
  const soon = connection.validUntil && soonExpired(connection.validUntil);
  if (soon)
    invocation.notice?.(
      `warning: your certificate (${connection.user}) expires on ${soon}; where the authority is: cmig operator add`,
    );
  try {
    return await work({ connection, rpc, context, caller });
  } finally {
    // In this order the connection takes the client's channels with it, and nothing is said of each of them.
    await connection.close();
    await rpc.close();
  }
}

/** For a broker or hosts that are far away, or have much else to do. */
function requestTimeoutMs(): number | undefined {
  const wanted = process.env.CMIG_REQUEST_TIMEOUT;
  if (!wanted) return undefined;
  try {
    return parseDurationMs(wanted);
  } catch (error) {
    const { message, hint } = error as CmigError;
    throw new CmigError('invalid', `CMIG_REQUEST_TIMEOUT: ${message}`, { hint });
  }
}

/** A user id without a name is possible in a container. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

function tlsFilesOf({ broker }: Context): TlsFiles | undefined {
  const { caFile: ca, certificateFile: certificate, keyFile: key } = broker;
  return ca && certificate && key ? { ca, certificate, key } : undefined;
}

function readCredentials(context: Context): { user: string; password: string } | undefined {
  const line = credentialsLine(context);
  if (line === undefined) return undefined;
  const colon = line.indexOf(':');
  return { user: line.slice(0, colon), password: line.slice(colon + 1) };
}

/** The line user:password of a context's credentials; undefined where it has none. @throws CmigError `invalid` */
export function credentialsLine(context: Context): string | undefined {
  const file = context.broker.credentialsFile;
  if (!file) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CmigError(
      'invalid',
      `the credentials of the context "${context.name}" cannot be read: ${file}`,
      {
        cause,
        hint: 'name another file with "cmig config set-context"',
      },
    );
  }
  const line = text.replace(/\r?\n$/, '');
  const colon = line.indexOf(':');
  if (colon < 1 || line.includes('\n')) {
    throw new CmigError('invalid', `${file} does not hold one line user:password`);
  }
  return line;
}
