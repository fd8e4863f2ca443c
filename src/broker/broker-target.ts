// The URL of a broker, taken apart.
import { CmigError } from '../core/errors.ts';
import type { Tls } from './broker-tls.ts';
import type { BrokerAddress } from './connect-error.ts';

export interface BrokerTarget {
  /** What the AMQP library connects with. */
  settings: Record<string, unknown>;
  /** What messages to people speak of. */
  address: BrokerAddress;
}

const heartbeatSeconds = 10;

export interface TargetOptions {
  credentials?: { user: string; password: string } | undefined;
  tls?: Tls | undefined;
  /** Everybody on the way may read and change what is said: for a lab, whose network is its own. */
  insecure?: boolean | undefined;
}

/**
 * @throws CmigError `invalid` where `url` is no URL of a broker; where it is one without TLS on another machine, unless
 * that is `insecure` on purpose
 */
export function parseBrokerUrl(
  url: string,
  { credentials, tls, insecure }: TargetOptions = {},
): BrokerTarget {
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = parts?.protocol.slice(0, -1);
  if (!parts || (protocol !== 'amqp' && protocol !== 'amqps') || !parts.hostname) {
    throw new CmigError('invalid', `"${url.replace(/\/\/[^@/]*@/, '//')}" is not the URL of a broker`, {
      hint: 'write it as amqp://HOST:PORT/VHOST or amqps://HOST:PORT/VHOST',
    });
  }
  const hostname = parts.hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'amqp' && tls)
    throw new CmigError('invalid', `${url} is without TLS, where a certificate is of no use`, {
      hint: 'write it as amqps://HOST:PORT/VHOST, or leave out the certificate',
    });
  if (protocol === 'amqp' && !insecure && !isLoopback(hostname))
    throw new CmigError('invalid', `the broker at ${parts.host} would be spoken to without TLS`, {
      hint: 'use amqps:// with a certificate (cmig init); or, where its network is yours alone, say so: "insecure: true" beside its URL',
    });
  const port = Number(parts.port) || (protocol === 'amqp' ? 5672 : 5671);
  const username = credentials?.user ?? (decodeURIComponent(parts.username) || 'guest');
  const password = credentials?.password ?? (decodeURIComponent(parts.password) || 'guest');
  const vhost = parts.pathname.length > 1 ? parts.pathname.slice(1) : '%2f';
  return {
    settings: {
      ...{ protocol, hostname, port, vhost, heartbeat: heartbeatSeconds },
      ...(tls ? {} : { username, password }),
    },
    address: {
      endpoint: `${parts.hostname}:${port}`,
      vhost: decodeURIComponent(vhost),
      user: tls?.user ?? username,
    },
  };
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '::1' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
