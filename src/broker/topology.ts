// The queues and exchanges of an installation: their names beyond the contract's, and how the shared ones are declared.
import type { Channel } from 'amqplib';
import { agentQueue, eventExchange } from '../contract/protocol.ts';
import type { BrokerConnection } from './connection.ts';

/** Every agent consumes it: what is sent here is answered by whichever is free. Gone when no agent is connected. */
export const agentsQueue = 'cmig.agents';

/** The host name that stands for "any agent". */
export const anyHost = '*';

/** The queue in which `host`, or any agent for `*`, takes requests. */
export const requestQueue = (host: string): string => (host === anyHost ? agentsQueue : agentQueue(host));

/** Frames of one stream go to a queue of this shape and to no other. */
export const sessionPattern = /^cmig\.session\.[0-9a-f-]{36}$/;
export const sessionQueue = (id: string): string => `cmig.session.${id}`;

/** Frames that wait in the broker for a slow reader, at most about so many. */
export const sessionQueueLength = 256;

/** The server sends a sign of life this often, and so learns too that the client has gone. */
export const sessionBeatMs = 2000;

/** A server of which nothing was heard for so long is given up. */
export const sessionSilenceMs = 7000;

/** Where everybody comes by certificate, it is given (broker-definitions.ts), and nobody may declare anything. */
export async function declareEventExchange(
  { user }: Pick<BrokerConnection, 'user'>,
  channel: Channel,
): Promise<void> {
  if (user === undefined) await channel.assertExchange(eventExchange, 'topic', { durable: true });
}
