// What hosts of different sites send each other of the overlay goes through WireGuard: the kernel's, or else a program's.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostRecord } from '../../src/contract/host.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { writeFileDurably } from '../store/durable-file.ts';
import { type EncryptionKey, encryptionKey } from './encryption-key.ts';
import type { Consequence, NetworkView } from './neighbourhood.ts';
import { defaultPort } from './overlay.ts';

export interface EncryptionSettings {
  dataDirectory: string;
  runDirectory: string;
  /** Of the overlay. */
  port?: number | undefined;
  encryption?: 'between-sites' | 'always' | 'never' | undefined;
}

const device = 'cmig-wg';
export const listenPort = 51_820;
/** With the 60 bytes around it, it fits into 1480; what the overlay sends has 1380 at most. */
const mtu = 1420;
/**
 * Whoever comes back from a loss of power has lost the keys of the day, and speaks first: peers that have not would send to it
 * with the old ones for a quarter of a minute.
 */
const speaksEverySeconds = 25;
const routingTable = '25453';
const rulePriority = '1000';

/** By the label `site`. */
export const isEncrypted = (
  encryption: EncryptionSettings['encryption'],
  own: Pick<HostRecord, 'labels'>,
  peer: Pick<HostRecord, 'labels'>,
): boolean => encryption !== 'never' && (encryption === 'always' || own.labels.site !== peer.labels.site);

/**
 * The overlay's packets to such a host are routed into the tunnel by their port, so that the overlay itself need not know
 * of it. Without the tunnel they go nowhere, and what comes outside of it is dropped: never in clear text.
 */
export class Encryption implements Consequence {
  readonly #settings: EncryptionSettings;
  #key: EncryptionKey | undefined;
  #applied = '';

  constructor(settings: EncryptionSettings) {
    this.#settings = settings;
  }

  async open(view: NetworkView): Promise<void> {
    const { dataDirectory } = this.#settings;
    if (this.#settings.encryption !== 'never') this.#key = await encryptionKey(dataDirectory);
    await this.apply(view);
  }

  async apply({ own, hosts }: NetworkView): Promise<void> {
    const peers = hosts.filter(({ name, overlay }) => overlay && name !== own.name);
    const secret = peers.filter((peer) => isEncrypted(this.#settings.encryption, own, peer));
    const clear = peers.filter((peer) => !secret.includes(peer));
    const text = JSON.stringify([[own], secret, clear].map((each) => each.map(wordOf).sort()));
    if (text === this.#applied && (secret.length === 0 || (await isWhole()))) return;
    await this.#guard(clear);
    await this.#route(secret);
    if (this.#key && secret.length > 0) await this.#tunnel(own, this.#key, secret);
    this.#applied = text;
  }

  async #guard(clear: readonly HostRecord[]): Promise<void> {
    const { port = defaultPort } = this.#settings;
    const addresses = clear.map(({ address }) => address).join(', ');
    const rules = [
      'type filter hook input priority 0; policy accept;',
      `udp dport ${port} iifname "${device}" accept`,
      ...(addresses ? [`udp dport ${port} ip saddr { ${addresses} } accept`] : []),
      `udp dport ${port} drop`,
    ];
    // What is routed past the tunnel, because the rule that leads into it was taken away, does not leave.
    const leaving = [
      'type filter hook output priority 0; policy accept;',
      `udp dport ${port} oifname { "${device}", "lo" } accept`,
      ...(addresses ? [`udp dport ${port} ip daddr { ${addresses} } accept`] : []),
      `udp dport ${port} drop`,
    ];
    const chain = (name: string, lines: string[]) =>
      `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`;
    const table = `table ip cmig_overlay {\n${chain('arriving', rules)}${chain('leaving', leaving)}}\n`;
    await runProcess('nft', ['-f', '-'], {
      input: `table ip cmig_overlay\ndelete table ip cmig_overlay\n${table}`,
    });
  }

  async #route(secret: readonly HostRecord[]): Promise<void> {
    const { port = defaultPort } = this.#settings;
    const shown = await runProcess('ip', ['-json', 'route', 'show', 'table', routingTable], {
      allowedExitCodes: [0, 2],
    });
    // There is no such table as long as it has nothing.
    const known: { dst: string }[] = shown.exitCode === 0 ? JSON.parse(shown.stdout || '[]') : [];
    const wanted = secret.map(({ address }) => address);
    const lines = [
      ...wanted.map((address) => `route replace unreachable ${address}/32 metric 4096 table ${routingTable}`),
      ...known
        .filter(({ dst }) => !wanted.includes(dst))
        .map(({ dst }) => `route del ${dst}/32 table ${routingTable}`),
    ];
    const input = `${lines.join('\n')}\n`;
    await runProcess('ip', ['-force', '-batch', '-'], { input, allowedExitCodes: [0, 1] });
    if (await isRouted()) return;
    // 17 UDP: ip looks names up in a file that a small system has not.
    const match = ['ipproto', '17', 'dport', String(port), 'lookup', routingTable];
    await runProcess('ip', ['rule', 'add', 'priority', rulePriority, ...match]);
  }

  async #tunnel(host: HostRecord, key: EncryptionKey, secret: readonly HostRecord[]): Promise<void> {
    await ensureDevice();
    const file = join(this.#settings.runDirectory, 'wireguard.conf');
    const peers = secret.flatMap(({ address, overlay }) =>
      overlay?.key
        ? [
            `[Peer]\nPublicKey = ${overlay.key}\nAllowedIPs = ${address}/32\nEndpoint = ${address}:${listenPort}\nPersistentKeepalive = ${speaksEverySeconds}\n`,
          ]
        : [],
    );
    const own = `[Interface]\nPrivateKey = ${key.private}\nListenPort = ${listenPort}\n`;
    await writeFileDurably(file, [own, ...peers].join('\n'), 0o600);
    await runProcess('wg', ['syncconf', device, file]);
    const lines = [
      `link set dev ${device} mtu ${mtu} up`,
      // One that has none is not believed where packets come from.
      `addr replace ${host.overlay?.address}/32 dev ${device}`,
      ...secret.map(({ address }) => `route replace ${address}/32 dev ${device} table ${routingTable}`),
    ];
    await runProcess('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
    // The way back, by the main table, is another one; 2 asks only for some.
    await runProcess('sysctl', ['-qe', '-w', `net.ipv4.conf.${device}.rp_filter=2`]);
  }
}

/** systemd-networkd, for one, takes away rules that are not its own when it is started anew. */
async function isRouted(): Promise<boolean> {
  const { stdout } = await runProcess('ip', ['-json', 'rule', 'show']);
  const rules: { priority: number }[] = JSON.parse(stdout || '[]');
  return rules.some(({ priority }) => priority === Number(rulePriority));
}

/** The program may have been ended by somebody. */
const isWhole = async (): Promise<boolean> => existsSync(`/sys/class/net/${device}`) && (await isRouted());

const wordOf = ({ address, overlay }: HostRecord): string => `${address} ${overlay?.key ?? ''}`;

/** The program outlives the agent, as the kernel's device does. */
async function ensureDevice(): Promise<void> {
  const exists = async () =>
    (await runProcess('ip', ['link', 'show', 'dev', device], { allowedExitCodes: [0, 1] })).exitCode === 0;
  if (await exists()) return;
  const link = ['link', 'add', 'dev', device, 'type', 'wireguard'];
  if ((await runProcess('ip', link, { allowedExitCodes: [0, 1, 2] })).exitCode === 0) return;
  await runProcess('wireguard-go', [device]).catch((cause) => {
    throw new CmigError(
      'unsupported',
      'nothing can be sent to hosts of other sites: there is no WireGuard here',
      {
        hint: 'install wireguard-tools, and a kernel that has WireGuard or wireguard-go; or set network.overlay.encryption: never on all hosts',
        cause,
      },
    );
  });
}
