// Draws the next commands, by what there is: mostly what can succeed, now and then what cannot.
import type { ApplicationManifest } from '../../src/contract/application.ts';
import type { Command, Setting } from './commands.ts';
import type { Manifests } from './manifests.ts';
import type { State } from './model.ts';
import type { Random } from './random.ts';

export interface KnownCheckpoint {
  application: string;
  versions: string[];
  hosts: string[];
  /** Taken, and removed, by its host. */
  scheduled: boolean;
}

/** What is known at a quiet point. */
export interface World {
  applications: ReadonlyMap<string, { state: State; manifest: ApplicationManifest | undefined }>;
  checkpoints: ReadonlyMap<string, KnownCheckpoint>;
  cordoned: ReadonlySet<string>;
}

const weights = {
  new: 5,
  change: 5,
  migrate: 14,
  migrateSelected: 2,
  stop: 3,
  start: 4,
  delete: 3,
  checkpoint: 4,
  restore: 4,
  deleteCheckpoint: 2,
  cordon: 2,
  uncordon: 4,
  drain: 2,
  exec: 3,
  logs: 2,
  overstep: 0.5,
  prune: 2,
  rotateKeys: 0.7,
} as const;
type Kind = keyof typeof weights;

export class Draw {
  readonly #random: Random;
  readonly #setting: Setting;
  readonly #manifests: Manifests;
  readonly #names: readonly string[];
  readonly #seed: number;
  #checkpoints = 0;

  constructor(
    random: Random,
    setting: Setting,
    manifests: Manifests,
    names: readonly string[],
    seed: number,
  ) {
    this.#seed = seed;
    this.#random = random;
    this.#setting = setting;
    this.#manifests = manifests;
    this.#names = names;
  }

  command(world: World): Command {
    for (;;) {
      const present = this.#names.filter((name) => world.applications.get(name)?.state).length;
      const kind = this.#random.weighted<Kind>({ ...weights, new: present < 3 ? 30 : weights.new });
      const command = this.#draw(kind, world);
      if (!command) continue;
      if (command.application && this.#random.chance(0.12)) this.#cut(command);
      else if (this.#random.chance(0.06))
        command.sleeps = {
          afterMs: this.#random.integer(200, 1500),
          // Longer than the broker keeps what belongs to one that it does not hear.
          forMs: this.#random.integer(5000, 45_000),
        };
      return command;
    }
  }

  #cut(command: Command): void {
    command.cutAfterMs = this.#random.integer(150, 5000);
    command.cutBy = this.#random.chance(0.75) ? 'SIGINT' : 'SIGKILL';
  }

  #draw(kind: Kind, world: World): Command | undefined {
    const random = this.#random;
    const { admin, operator, hosts } = this.#setting;
    const context = random.chance(0.5) ? admin : operator;
    const pauseMs = random.integer(0, 1500);
    const common = { context, pauseMs };
    const present = this.#names.filter((name) => world.applications.get(name)?.state);
    // Also such as there is not.
    const name = random.chance(0.97) && present.length > 0 ? random.pick(present) : random.pick(this.#names);
    const known = world.applications.get(name);
    const host = random.pick(hosts);
    const others = this.#names.filter((each) => each !== name);
    const on = (args: string[], deed: Command['deed']): Command => ({
      ...common,
      args,
      application: name,
      ...(deed ? { deed } : {}),
    });
    switch (kind) {
      case 'new': {
        const absent = this.#names.filter((each) => !world.applications.get(each)?.state);
        if (absent.length === 0) return undefined;
        const chosen = random.pick(absent);
        const manifest = this.#manifests.make(
          chosen,
          this.#names.filter((each) => each !== chosen),
        );
        return this.#apply(common, chosen, manifest);
      }
      case 'change': {
        if (!known?.state || !known.manifest) return undefined;
        const { manifest } = this.#manifests.change(known.manifest, others);
        return this.#apply(common, name, manifest);
      }
      case 'migrate':
        return on(['migrate', name, host, '-o', 'json'], { kind: 'migrate', hosts: [host] });
      case 'migrateSelected':
        return {
          ...common,
          args: ['migrate', '-l', `tier=${random.pick(['front', 'back'])}`, host, '-o', 'json'],
          moves: { to: host },
        };
      case 'stop':
      case 'start':
      case 'delete':
        return on([kind, name], { kind });
      case 'checkpoint': {
        const id = `k${this.#seed}-${++this.#checkpoints}`;
        const stops = random.chance(0.2);
        return on(['checkpoint', name, '--name', id, ...(stops ? ['--stop'] : [])], {
          kind: 'checkpoint',
          checkpoint: id,
          stops,
        });
      }
      case 'restore': {
        if (world.checkpoints.size === 0) return undefined;
        const [id, { application, versions, hosts: keepers }] = random.pick([...world.checkpoints]);
        const elsewhere = random.chance(0.5);
        const discard = random.chance(0.7);
        return {
          ...common,
          application,
          args: [
            ...['restore', application, '--checkpoint', id],
            ...(elsewhere ? ['--host', host] : []),
            ...(discard ? ['--discard-current'] : []),
          ],
          deed: {
            kind: 'restore',
            checkpoint: id,
            versions,
            checkpointHosts: keepers,
            ...(elsewhere ? { host } : {}),
          },
        };
      }
      case 'deleteCheckpoint': {
        if (world.checkpoints.size < 2) return undefined;
        const [id, { application }] = random.pick([...world.checkpoints]);
        return { ...common, args: ['delete', 'checkpoint', id], holds: application };
      }
      case 'cordon':
        if (world.cordoned.size > 0) return undefined;
        return { ...common, context: admin, args: ['cordon', host], cordons: host };
      case 'uncordon':
        if (world.cordoned.size === 0) return undefined;
        return this.#uncordon(random.pick([...world.cordoned]), pauseMs);
      case 'drain':
        if (world.cordoned.size > 0) return undefined;
        return {
          ...common,
          context: admin,
          args: ['drain', host, '-o', 'json'],
          cordons: host,
          moves: {},
        };
      case 'exec': {
        const container = known?.manifest?.spec.containers[0]?.name ?? 'ticker';
        return on(
          [
            'exec',
            name,
            '-c',
            container,
            '--',
            container === 'ticker' ? 'python3' : 'true',
            ...(container === 'ticker' ? ['-c', ''] : []),
          ],
          { kind: 'look' },
        );
      }
      case 'logs':
        return on(['logs', name, '--tail', '3'], { kind: 'look' });
      case 'prune':
        return { ...common, context: admin, args: ['image', 'prune', ...(random.chance(0.5) ? [host] : [])] };
      case 'rotateKeys':
        return { ...common, context: admin, args: ['host', 'rotate-keys', host], disturbs: true };
      case 'overstep':
        return { ...common, context: operator, args: ['cordon', host] };
    }
  }

  #uncordon(host: string, pauseMs: number): Command {
    return { context: this.#setting.admin, args: ['uncordon', host], uncordons: host, pauseMs };
  }

  #apply(common: { context: string; pauseMs: number }, name: string, manifest: ApplicationManifest): Command {
    const waits = this.#random.chance(0.7);
    return {
      ...common,
      args: ['apply', ...(waits ? ['--wait', '--timeout', '60s'] : [])],
      application: name,
      manifest,
      lingers: !waits,
      deed: { kind: 'apply', host: manifest.spec.host, version: manifest.metadata.labels!.version! },
    };
  }
}
