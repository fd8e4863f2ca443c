// The ports of this host that its own programs have: what an application publishes must not take them away.
import { readFile } from 'node:fs/promises';
import { listenPort } from './encryption.ts';

/** Above it, a port of UDP is most often one that a program was given for a moment. */
const ephemeralFrom = 32_768;
/** TCP_LISTEN, and TCP_CLOSE, which for UDP means: has no peer. */
const states = { tcp: '0A', udp: '07' } as const;

/** Such as `22/tcp`. */
export async function takenPorts(): Promise<Set<string>> {
  const found = await Promise.all(
    (['tcp', 'udp'] as const).map(async (protocol) => {
      const texts = await Promise.all(
        [protocol, `${protocol}6`].map((table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')),
      );
      return texts
        .flatMap((text) => portsOf(text, states[protocol]))
        .filter((port) => protocol === 'tcp' || port < ephemeralFrom || port === listenPort)
        .map((port) => `${port}/${protocol}`);
    }),
  );
  return new Set(found.flat());
}

/** Of a table such as /proc/net/tcp: `sl local_address rem_address st …`, with `0100007F:0016` for 127.0.0.1:22. */
export function portsOf(table: string, wanted: string): number[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    return state === wanted && port > 0 ? [port] : [];
  });
}
