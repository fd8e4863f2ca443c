// Applications as they are applied: made up, and changed, by random. Their version stands in a label.
import type { ApplicationManifest, Container } from '../../src/contract/application.ts';
import type { Random } from './random.ts';

/** Where its numbers come from, inside; the port at which hosts answer for it follows from its name. */
export const tickerPort = 7000;
export const hostPortOf = (application: string): number => 8700 + Number(application.slice(1));

/** Of one that has a schedule: so many of its checkpoints are kept. */
export const keptBySchedule = 2;
export const hasSchedule = (application: string): boolean => application === 'c5';

/** A shell is process 1, and hears of a signal only where it says so. */
const scribe = `trap 'exit 0' TERM; while :; do echo "$NOTE" >> /data/notes; sleep 1 & wait; done`;

export class Manifests {
  readonly #random: Random;
  readonly #images: string;
  readonly #hosts: readonly string[];
  readonly #seed: number;
  #versions = 0;

  constructor(random: Random, images: string, hosts: readonly string[], seed: number) {
    this.#seed = seed;
    this.#random = random;
    this.#images = images;
    this.#hosts = hosts;
  }

  make(name: string, others: readonly string[]): ApplicationManifest {
    const random = this.#random;
    const ticks = random.chance(0.7);
    const scribes = random.integer(ticks ? 0 : 1, 2);
    const containers = [
      ...(ticks ? [this.#ticker()] : []),
      ...Array.from({ length: scribes }, (_, index) => this.#scribe(`scribe-${index}`)),
    ];
    const allow = this.#allow(others);
    return {
      apiVersion: 'cmig.dev/v1',
      kind: 'Application',
      metadata: { name, labels: this.#labels() },
      spec: {
        host: random.pick(this.#hosts),
        network: {
          ...(ticks ? { ports: [{ port: tickerPort, hostPort: hostPortOf(name) }] } : {}),
          ...(allow ? { allow } : {}),
        },
        volumes: [{ name: 'data' }],
        containers,
        ...(hasSchedule(name) ? { checkpoints: { every: '10s', keep: keptBySchedule } } : {}),
      },
    };
  }

  /** @returns whether any of its containers is replaced by the change */
  change(
    before: ApplicationManifest,
    others: readonly string[],
  ): { manifest: ApplicationManifest; replaces: boolean; what: string } {
    const random = this.#random;
    const manifest = structuredClone(before);
    const { spec, metadata } = manifest;
    const what = random.weighted({ nothing: 1, labels: 2, allow: 2, env: 2, more: 1, fewer: 1 });
    if (what === 'nothing') return { manifest, replaces: false, what };
    metadata.labels = this.#labels();
    if (what === 'allow') {
      const allow = this.#allow(others);
      const { allow: _, ...network } = spec.network!;
      spec.network = { ...network, ...(allow ? { allow } : {}) };
    }
    const scribes = spec.containers.filter(({ name }) => name.startsWith('scribe'));
    if (what === 'env' && scribes.length > 0)
      random.pick(scribes).env = [{ name: 'NOTE', value: `note ${this.#versions}` }];
    if (what === 'more' && scribes.length < 2)
      spec.containers.push(this.#scribe(`scribe-${scribes.some(({ name }) => name === 'scribe-0') ? 1 : 0}`));
    if (what === 'fewer' && spec.containers.length > 1 && scribes.length > 0)
      spec.containers = spec.containers.filter((each) => each !== scribes[0]);
    return { manifest, replaces: false, what };
  }

  #labels(): Record<string, string> {
    return { version: `${this.#seed}.${++this.#versions}`, tier: this.#random.pick(['front', 'back']) };
  }

  #ticker(): Container {
    return {
      name: 'ticker',
      image: `dir:${this.#images}/python`,
      command: ['python3', '/app/ticker.py'],
      ready: { tcp: tickerPort },
      stopTimeout: '1s',
    };
  }

  #scribe(name: string): Container {
    return {
      name,
      image: `dir:${this.#images}/busybox`,
      command: ['sh', '-c', scribe],
      env: [{ name: 'NOTE', value: 'first' }],
      volumes: [{ name: 'data', mountPath: '/data' }],
      stopTimeout: '1s',
    };
  }

  #allow(others: readonly string[]) {
    const random = this.#random;
    switch (random.weighted({ absent: 5, range: 2, application: 2, labels: 1 })) {
      case 'range':
        return [{ cidr: '0.0.0.0/0' }];
      case 'application':
        return [{ application: random.pick(others) }];
      case 'labels':
        return [{ labels: { tier: 'front' } }];
      default:
        return undefined;
    }
  }
}

/** Whether anybody may connect. */
export const isOpen = ({ spec }: Pick<ApplicationManifest, 'spec'>): boolean => {
  const allow = spec.network?.allow;
  return !allow || allow.some(({ cidr }) => cidr === '0.0.0.0/0');
};

export const hasTicker = ({ spec }: Pick<ApplicationManifest, 'spec'>): boolean =>
  spec.containers.some(({ name }) => name === 'ticker');
