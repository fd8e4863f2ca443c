// The URL of a broker, taken apart.
import { CmigError } from '../core/errors.ts';
import type { BrokerAddress } from './connect-error.ts';

export interface BrokerTarget {
  /** What the AMQP library connects with. */
  settings: Record<string, unknown>;
  /** What messages to people speak of. */
  address: BrokerAddress;
}

const heartbeatSeconds = 10;

/** @throws CmigError `invalid` where `url` is no URL of a broker */
export function parseBrokerUrl(
  url: string,
  credentials: { user: string; password: string } | undefined,
): BrokerTarget {
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = parts?.protocol.slice(0, -1);
  if (!parts || (protocol !== 'amqp' && protocol !== 'amqps') || !parts.hostname) {
    throw new CmigError('invalid', `"${url.replace(/\/\/[^@/]*@/, '//')}" is not the URL of a broker`, {
      hint: 'write it as amqp://HOST:PORT/VHOST or amqps://HOST:PORT/VHOST',
    });
  }
  const hostname = parts.hostname.replace(/^\[|\]$/g, '');
  const port = Number(parts.port) || (protocol === 'amqp' ? 5672 : 5671);
  const username = credentials?.user ?? (decodeURIComponent(parts.username) || 'guest');
  const password = credentials?.password ?? (decodeURIComponent(parts.password) || 'guest');
  const vhost = parts.pathname.length > 1 ? parts.pathname.slice(1) : '%2f';
  return {
    settings: { protocol, hostname, port, username, password, vhost, heartbeat: heartbeatSeconds },
    address: {
      endpoint: `${parts.hostname}:${port}`,
      vhost: decodeURIComponent(vhost),
      user: username,
    },
  };
}
