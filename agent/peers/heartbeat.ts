// Tells the others that this host lives, and listens to them telling it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Event } from '../../src/contract/events.ts';
import type { KnownHost } from '../../src/contract/host.ts';
import type { HostRegistry } from './host-registry.ts';

const intervalMs = 5000;
/** A newcomer is greeted by all hosts at about, not exactly, the same time. */
const greetingSpreadMs = 200;

export interface HeartbeatOptions {
  registry: HostRegistry;
  log: Logger;
  publish: (type: 'host.heard', data: { host: HostRegistry['own'] }) => void;
  /** The `host.heard` of all hosts. */
  heard: AsyncIterable<Event>;
  /** Asks a peer which hosts it knows, so that a newcomer hears of the dead too. */
  listHosts: (peer: string) => Promise<KnownHost[]>;
}

/** Announces this host at once, every 5 s, and whenever an unknown host is heard. @returns what ends it */
export function startHeartbeat(options: HeartbeatOptions): { stop(): void } {
  const { registry, log } = options;
  const stopped = new AbortController();
  const announce = (): void => options.publish('host.heard', { host: registry.own });
  let asked = false;
  const greet = async (name: string): Promise<void> => {
    await sleep(Math.random() * greetingSpreadMs, undefined, { signal: stopped.signal, ref: false });
    announce();
    const versionBefore = registry.own.version;
    for (const host of await options.listHosts(name)) await registry.put(host);
    // The peer knew a newer record of this name, of an earlier life: ours has been given a newer version still.
    if (registry.own.version !== versionBefore) announce();
  };
  const listen = async (): Promise<void> => {
    for await (const event of options.heard) {
      if (stopped.signal.aborted) return;
      // Of itself a host may tell, and of nobody else.
      if (event.type !== 'host.heard' || event.data.host.name !== event.host) continue;
      try {
        const unknown = await registry.hear(event.data.host);
        // Whoever was down has missed who came and who went meanwhile.
        if (unknown || (!asked && event.host !== registry.own.name)) greetQuietly(event.data.host.name);
      } catch (error) {
        log.warn({ error, peer: event.host }, 'what a host told of itself could not be kept');
      }
    }
  };
  const greetQuietly = (name: string): void => {
    asked = true;
    greet(name).catch((error) => {
      asked = false;
      if (!stopped.signal.aborted)
        log.warn({ error, peer: name }, 'a new host could not be asked for the others');
    });
  };
  announce();
  const timer = setInterval(announce, intervalMs);
  listen().catch((error) => log.error({ error }, 'hosts are no longer heard'));
  return {
    stop() {
      stopped.abort();
      clearInterval(timer);
    },
  };
}
