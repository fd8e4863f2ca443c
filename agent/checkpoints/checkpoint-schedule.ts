// Takes the checkpoints that manifests ask for by spec.checkpoints, and removes the oldest of them.
import { randomBytes } from 'node:crypto';
import { completeApplication } from '../../src/contract/defaults.ts';
import { codeOf, toFault } from '../../src/core/errors.ts';
import { parseDurationMs } from '../../src/core/units.ts';
import type { Machine } from '../migration/machine.ts';
import type { KeptCheckpoints } from './kept-checkpoints.ts';

const lookEveryMs = 1000;
/** After a failure it is tried again when so long has passed, or when the next one is due, whichever is later. */
const retryAfterMs = 60_000;

export class CheckpointSchedule {
  readonly #machine: Machine;
  readonly #kept: KeptCheckpoints;
  readonly #failedAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(machine: Machine, kept: KeptCheckpoints) {
    this.#machine = machine;
    this.#kept = kept;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      // One application after the other: a host has better things to do than to copy.
      for (const { manifest } of this.#machine.supervisor.records())
        if (manifest.spec.checkpoints) await this.#attend(manifest.metadata.name);
    } finally {
      this.#looking = false;
    }
  }

  async #attend(application: string): Promise<void> {
    const { supervisor, context } = this.#machine;
    if (!supervisor.has(application)) return;
    const { manifest, createdAt, migration } = supervisor.record(application);
    const { checkpoints } = completeApplication(manifest).spec;
    if (!checkpoints || migration) return;
    const { containers } = supervisor.describe(application).status;
    try {
      // What was in use when its time had come, or whose agent was killed just then, has its time now.
      await this.#prune(application, checkpoints.keep);
      if (containers.some(({ state }) => state !== 'Running')) return;
      const taken = await this.#scheduled(application);
      const newest = Date.parse(taken.at(-1)?.createdAt ?? createdAt);
      const everyMs = parseDurationMs(checkpoints.every);
      const failedAt = this.#failedAt.get(application) ?? 0;
      if (Date.now() - newest < everyMs || Date.now() - failedAt < Math.max(everyMs, retryAfterMs)) return;
      await this.#kept.take({ application, id: newName(), reason: 'schedule' });
      await this.#prune(application, checkpoints.keep);
    } catch (error) {
      // A person or a migration is at it: that is looked at again soon.
      if (codeOf(error) === 'conflict' || codeOf(error) === 'not-found') return;
      this.#failedAt.set(application, Date.now());
      context.log.error({ err: error, application }, 'a scheduled checkpoint could not be taken');
      context.events.publish('checkpoint.failed', { application, error: toFault(error) as never });
    }
  }

  async #prune(application: string, keep: number): Promise<void> {
    for (const { id } of (await this.#scheduled(application)).slice(0, -keep)) await this.#kept.remove(id);
  }

  async #scheduled(application: string) {
    return (await this.#kept.store.list(application)).filter(({ reason }) => reason === 'schedule');
  }
}

const newName = (): string => `s-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
