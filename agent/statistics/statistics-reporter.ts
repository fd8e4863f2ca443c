// Measures this host and its containers every two seconds, by reading files of the kernel only.
import type { EventData } from '../../src/contract/events.ts';
import type { HostStatistics } from '../../src/contract/host.ts';
import { type ContainerCounters, readContainerCounters } from './container-counters.ts';
import { type HostCounters, readHostCounters } from './host-counters.ts';

const intervalMs = 2000;

export interface StatisticsOptions {
  /** The bridge whose traffic is the applications'. */
  bridge: string;
  cgroupParent: string;
  publish: (type: 'host.measured', data: EventData<'host.measured'>) => void;
  onProblem: (error: unknown) => void;
}

interface Measurement {
  /** By a clock that only goes forward. */
  timeMs: number;
  host: HostCounters;
  containers: ContainerCounters[];
}

export class StatisticsReporter {
  readonly #options: StatisticsOptions;
  #previous: Measurement | undefined;
  #latest: HostStatistics | undefined;
  #timer: NodeJS.Timeout | undefined;
  #measuring = false;

  constructor(options: StatisticsOptions) {
    this.#options = options;
  }

  /** What was measured last; undefined in the first two seconds. */
  get latest(): HostStatistics | undefined {
    return this.#latest;
  }

  start(): void {
    void this.#measure();
    this.#timer = setInterval(() => void this.#measure(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    try {
      const { bridge, cgroupParent, publish } = this.#options;
      const [host, containers] = await Promise.all([
        readHostCounters(bridge),
        readContainerCounters(cgroupParent),
      ]);
      const now = { timeMs: performance.now(), host, containers };
      if (this.#previous) {
        const data = compare(this.#previous, now);
        this.#latest = data.statistics;
        publish('host.measured', data);
      }
      this.#previous = now;
    } catch (error) {
      this.#options.onProblem(error);
    } finally {
      this.#measuring = false;
    }
  }
}

/** What happened between two measurements. A container that is new has used nothing yet. */
export function compare(before: Measurement, after: Measurement): EventData<'host.measured'> {
  const seconds = (after.timeMs - before.timeMs) / 1000;
  const perSecond = (key: 'receivedBytes' | 'sentBytes'): number =>
    Math.max(0, Math.round((after.host[key] - before.host[key]) / seconds));
  const ticks = after.host.cpuTotalTicks - before.host.cpuTotalTicks;
  const busy = after.host.cpuBusyTicks - before.host.cpuBusyTicks;
  const earlier = new Map(before.containers.map((each) => [`${each.application}/${each.container}`, each]));
  return {
    statistics: {
      cpu: ticks > 0 ? rounded(Math.min(1, Math.max(0, busy / ticks))) : 0,
      memoryUsedBytes: after.host.memoryUsedBytes,
      receivedBytesPerSecond: perSecond('receivedBytes'),
      sentBytesPerSecond: perSecond('sentBytes'),
    },
    containers: after.containers.map(({ application, container, cpuMicroseconds, memoryBytes, pids }) => {
      const used =
        cpuMicroseconds - (earlier.get(`${application}/${container}`)?.cpuMicroseconds ?? cpuMicroseconds);
      // A container that was started again counts from nothing.
      return { application, container, cpu: rounded(Math.max(0, used) / 1e6 / seconds), memoryBytes, pids };
    }),
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
