// Every host this agent knows of, on disk, and the two files by which SSH trusts exactly these.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { HostRecord, KnownHost } from '../../src/contract/host.ts';
import { CmigError } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { AgentConfig } from '../config.ts';
import { chooseHostAddress } from '../network/host-addresses.ts';
import { readJsonFile, writeFileDurably } from '../store/durable-file.ts';
import type { AgentPaths } from '../store/paths.ts';
import { installReceiveGuard } from '../transfer/receive-guard.ts';
import { authorizedKeysText, knownHostsText, ownershipLine } from './key-files.ts';
import { isSameHost, makeOwnRecord, versionAfter } from './own-record.ts';
import { replaceTransferKey } from './transfer-key.ts';

export interface HostRegistryOptions {
  config: AgentConfig;
  paths: AgentPaths;
  log: Logger;
}

const trustedWithinMs = 11_000;

export class HostRegistry {
  readonly #config: AgentConfig;
  readonly #paths: AgentPaths;
  readonly #log: Logger;
  #own: HostRecord | undefined;
  readonly #peers = new Map<string, KnownHost>();
  /** Those who told of themselves. Where the broker vouches for who tells, nobody else's word counts against theirs. */
  readonly #firstHand = new Set<string>();
  #guardFile = '';
  /** Called after every change, of this host or of another. */
  onChange: () => void = () => {};
  /** Writes follow one another. */
  #writing: Promise<void> = Promise.resolve();

  constructor({ config, paths, log }: HostRegistryOptions) {
    this.#config = config;
    this.#paths = paths;
    this.#log = log;
  }

  /** Where the peers' host keys are pinned, for ssh. */
  get knownHostsFile(): string {
    return join(this.#paths.sshDirectory, 'known_hosts');
  }

  /**
   * Reads what was known, makes this host's own record, makes what the receive guard needs and writes SSH's files.
   * @throws CmigError `invalid` where a key file of the configuration is missing, or the file of authorized keys is
   * somebody else's
   */
  async open(): Promise<void> {
    const { hosts: stored = [], firstHand = [] } =
      (await readJsonFile<{ hosts?: KnownHost[]; firstHand?: string[] }>(this.#paths.hostsFile)) ?? {};
    for (const name of firstHand) this.#firstHand.add(name);
    const own = stored.find(({ name }) => name === this.#config.name);
    this.#own = await makeOwnRecord(this.#config, own && recordOf(own));
    for (const host of stored) if (host.name !== this.#config.name) this.#peers.set(host.name, host);
    await this.#refuseForeignFile();
    await mkdir(this.#paths.incomingDirectory, { recursive: true, mode: 0o700 });
    this.#guardFile = await installReceiveGuard(this.#paths.sshDirectory);
    await this.#write();
  }

  /** Keeps when each host was last heard. */
  async close(): Promise<void> {
    await this.#write();
  }

  /** This host's own record, as it is announced. */
  get own(): HostRecord {
    if (!this.#own) throw new CmigError('failed', 'the registry of hosts is not open');
    return this.#own;
  }

  /** Whether this host takes further applications; on disk when it settles. @returns whether it is news */
  async cordon(unschedulable: boolean): Promise<boolean> {
    const { unschedulable: before = false, ...rest } = this.own;
    if (before === unschedulable) return false;
    const record = unschedulable ? { ...rest, unschedulable } : rest;
    this.#own = { ...record, version: versionAfter(record, this.own) };
    await this.#write();
    return true;
  }

  /** A new transfer key: the old one is of no use once peers have heard of it. */
  async rotateKey(): Promise<void> {
    await replaceTransferKey(this.#config.ssh.identityFile, this.own.name);
    this.#own = await makeOwnRecord(this.#config, this.own);
    await this.#write();
  }

  /** All hosts, this one too, by name. */
  list(): KnownHost[] {
    return this.listAll().filter(({ gone }) => !gone);
  }

  /** With those that were removed. */
  listAll(): KnownHost[] {
    const hosts = [...this.#peers.values(), { ...this.own, lastSeen: new Date().toISOString() }];
    return hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Until SSH's files say what is known by now; of this peer, where one is named and it must have told of itself, once it
   * has. Does not throw, nor wait for longer than two announcements.
   */
  async untilTrusted(name?: string): Promise<void> {
    if (name !== undefined && this.#isVouched)
      await waitFor(() => this.#firstHand.has(name), {
        timeoutMs: trustedWithinMs,
        what: `${name} telling of itself`,
      }).catch(() => {});
    await this.#writing.catch(() => {});
  }

  find(name: string): HostRecord | undefined {
    if (name === this.own.name) return this.own;
    const known = this.#peers.get(name);
    return known && !known.gone ? recordOf(known) : undefined;
  }

  /** @throws CmigError `not-found` */
  get(name: string): HostRecord {
    const host = this.find(name);
    if (!host)
      throw new CmigError('not-found', `the host ${this.own.name} knows no host ${name}`, {
        hint: `is the agent of ${name} running, with the same broker? Hosts announce themselves every 5 s`,
      });
    return host;
  }

  /** Notes that a host has just been heard. @returns whether it was unknown until now */
  async hear(record: HostRecord): Promise<boolean> {
    if (record.name === this.own.name) {
      await this.#hearOwnName(record);
      return false;
    }
    const known = this.#peers.get(record.name);
    const unknown = !known || (known.gone === true && record.version > known.version);
    const atLast = !this.#firstHand.has(record.name) && !known?.gone;
    this.#firstHand.add(record.name);
    await this.#merge({ ...record, lastSeen: new Date().toISOString() }, this.#isVouched && atLast);
    await this.#yieldAddress();
    return unknown;
  }

  /** Takes over what somebody else knows of a host, where it is newer; against its own word only what an admin says. */
  async put(host: HostRecord & { lastSeen?: string }, byAdmin = false): Promise<void> {
    if (host.name === this.own.name) return this.#hearOwnName(host);
    if (this.#isVouched && this.#firstHand.has(host.name) && !byAdmin) return;
    await this.#merge({ ...host, lastSeen: host.lastSeen ?? new Date(0).toISOString() });
    await this.#yieldAddress();
  }

  get #isVouched(): boolean {
    return this.#config.tls !== undefined;
  }

  async #merge(heard: KnownHost, whateverVersion = false): Promise<void> {
    const known = this.#peers.get(heard.name);
    const newer = !known || heard.version > known.version || whateverVersion;
    const lastSeen = known && known.lastSeen > heard.lastSeen ? known.lastSeen : heard.lastSeen;
    this.#peers.set(heard.name, { ...(newer ? heard : known), lastSeen });
    if (newer && !(known && isSameHost(known, heard) && !whateverVersion)) {
      this.#log.info(
        { peer: heard.name, address: heard.address },
        heard.gone ? 'a host was removed' : known && !known.gone ? 'a host changed' : 'a host joined',
      );
      await this.#write();
      this.onChange();
    }
  }

  /** Of two hosts that chose one address among the applications, the later by name takes another. */
  async #yieldAddress(): Promise<void> {
    const { overlay, name, ...rest } = this.own;
    const peers = [...this.#peers.values()];
    const rival = peers.find(
      (peer) => overlay && peer.overlay?.address === overlay.address && peer.name < name,
    );
    if (!rival) return;
    const taken = new Set(peers.flatMap((peer) => (peer.overlay ? [peer.overlay.address] : [])));
    const address = chooseHostAddress(this.#config.network.range, name, taken);
    this.#log.warn({ address, rival: rival.name }, 'another host has the address: this one takes another');
    const record = { ...rest, name, overlay: { ...overlay, address } };
    this.#own = { ...record, version: versionAfter(record, this.own) };
    await this.#write();
    this.onChange();
  }

  /** A record of our own name that is not ours: of an earlier life, or of another machine with this name. */
  async #hearOwnName(record: HostRecord): Promise<void> {
    if (record.version < this.own.version || isSameHost(record, this.own)) return;
    this.#log.warn(
      { theirs: record.address, ours: this.own.address },
      'another record of this name is about',
    );
    this.#own = { ...this.own, version: Math.min(record.version + 1, Number.MAX_SAFE_INTEGER) };
    await this.#write();
  }

  async #refuseForeignFile(): Promise<void> {
    const file = this.#config.ssh.authorizedKeysFile;
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.trim() && !text.startsWith(ownershipLine))
      throw new CmigError('invalid', `${file} holds keys that are not cmig's, and is not overwritten`, {
        hint: 'name a file of its own as ssh.authorizedKeysFile, and add it to AuthorizedKeysFile in sshd_config',
      });
  }

  #write(): Promise<void> {
    const writing = this.#writing.catch(() => {}).then(() => this.#writeFiles());
    this.#writing = writing;
    return writing;
  }

  async #writeFiles(): Promise<void> {
    // SSH trusts whom the broker has vouched for.
    const peers = this.list().filter(
      ({ name }) => name !== this.own.name && (!this.#isVouched || this.#firstHand.has(name)),
    );
    const { authorizedKeysFile } = this.#config.ssh;
    const keys = authorizedKeysText(peers, this.#guardFile, this.#paths.incomingDirectory);
    await replaceIfChanged(
      this.#paths.hostsFile,
      `${JSON.stringify({ hosts: this.listAll(), firstHand: [...this.#firstHand].sort() }, undefined, 2)}\n`,
    );
    await replaceIfChanged(this.knownHostsFile, knownHostsText(peers));
    await replaceIfChanged(authorizedKeysFile, keys);
  }
}

const recordOf = ({ lastSeen: _, ...record }: KnownHost): HostRecord => record;

async function replaceIfChanged(path: string, text: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present !== text) await writeFileDurably(path, text, 0o600);
}
