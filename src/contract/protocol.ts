// The names and numbers both ends of a message must agree on before they can understand each other.

/** Raised when a change to methods or events is not understood by an older peer; checked on every message. */
export const protocolVersion = 2;

/** The API group and version of every kind. */
export const apiVersion = 'cmig.dev/v1';

/** A name that is safe as a path segment, a host name, a queue name and a runc id: a DNS label (RFC 1123). */
export const namePattern = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';

/** An IPv4 address. */
export const addressPattern = '^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\\.(?!$)|$)){4}$';

/** The durable queue from which the agent of `host` takes commands. */
export const agentQueue = (host: string): string => `cmig.agent.${host}`;

/** The exclusive queue that is the mutex of `application`: it goes with the connection of its owner. */
export const applicationLockQueue = (application: string): string => `cmig.lock.${application}`;

/** The topic exchange of all events; routing keys: `log.<type>.<host>` and `stat.<type>.<host>`. */
export const eventExchange = 'cmig.events';

/** The stream that keeps the recent past of `log.#`; statistics and heartbeats are not kept. */
export const eventStream = 'cmig.events.log';

/** The largest message either end accepts, in bytes. */
export const maxMessageBytes = 8 * 1024 * 1024;

/** What one chunk of an uploaded image carries at most, in bytes before base64. */
export const uploadChunkBytes = 1024 * 1024;
