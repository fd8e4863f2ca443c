// Two hosts in memory, for the commit protocol: what is on disk, what runs, and messages that get lost.
import type { Scheduler } from 'fast-check';
import {
  DestinationMigration,
  type DestinationPorts,
} from '../../../../agent/migration/destination-migration.ts';
import type { DestinationRecord, SourceRecord } from '../../../../agent/migration/journal.ts';
import { SourceMigration, type SourcePorts } from '../../../../agent/migration/source-migration.ts';
import { CmigError } from '../../../../src/core/errors.ts';

/** A protocol that is wrong on purpose, to see that the test notices. */
export type Flaw =
  | 'commit-without-permit'
  | 'permit-not-written-down'
  | 'silence-means-aborted'
  | 'commit-not-written-down'
  | 'rollback-in-spite-of-permit';

const common = {
  id: 'm-12345678',
  application: 'shop',
  from: 'a',
  to: 'b',
  strategy: 'stop-and-copy',
  epoch: 2,
  startedAt: '',
};
const never = new Promise<never>(() => {});

export class TwoHosts {
  atSource: 'running' | 'frozen' | 'gone' = 'running';
  atDestination: 'none' | 'held' | 'running' = 'none';
  readonly violations: string[] = [];
  source: SourceMigration | undefined;
  destination: DestinationMigration | undefined;
  readonly #scheduler: Scheduler;
  readonly #flaw: Flaw | undefined;
  /** Says of each message, in order, whether it arrives. */
  readonly #arrives: boolean[];
  #sourceDisk: SourceRecord | undefined;
  #destinationDisk: DestinationRecord | undefined;
  // A crash begins a new life; what an earlier one still wanted to do never happens.
  #sourceLife = 0;
  #destinationLife = 0;

  constructor(scheduler: Scheduler, options: { arrives: boolean[]; flaw?: Flaw | undefined }) {
    this.#scheduler = scheduler;
    this.#arrives = [...options.arrives];
    this.#flaw = options.flaw;
    this.source = new SourceMigration(
      {
        ...common,
        role: 'source',
        state: 'presyncing',
        phases: {},
        bytes: { presync: 0, files: 0, memory: 0 },
      },
      this.#sourcePorts(),
    );
    this.destination = new DestinationMigration(
      { ...common, role: 'destination', state: 'prepared', phases: {}, facts: {} as never },
      this.#destinationPorts(),
    );
  }

  crashSource(): void {
    this.#sourceLife += 1;
    this.source = undefined;
  }

  crashDestination(): void {
    this.#destinationLife += 1;
    this.destination = undefined;
  }

  /** The agent starts again with what is on its disk. */
  startSource(): Promise<void> {
    if (this.source || !this.#sourceDisk) return Promise.resolve();
    this.source = new SourceMigration(structuredClone(this.#sourceDisk), this.#sourcePorts());
    return this.source.recover();
  }

  startDestination(): Promise<void> {
    if (this.destination || !this.#destinationDisk) return Promise.resolve();
    this.destination = new DestinationMigration(
      structuredClone(this.#destinationDisk),
      this.#destinationPorts(),
    );
    return this.destination.recover();
  }

  /** What the command line does; it may end after any of these. */
  async orchestrate(): Promise<void> {
    await this.destination?.prepare();
    await this.source?.presync();
    await this.source?.freeze();
    await this.destination?.restore();
    await this.source?.settle();
  }

  /** A request or an answer on its way. */
  async #message(): Promise<boolean> {
    await this.#tick('message');
    return this.#arrives.shift() ?? true;
  }

  #tick(what: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), what);
  }

  #check(): void {
    if (this.atSource === 'running' && this.atDestination === 'running')
      this.violations.push('two copies run');
    if (this.atSource === 'gone' && this.atDestination === 'none') this.violations.push('no copy is left');
  }

  #sourcePorts(): SourcePorts {
    const life = this.#sourceLife;
    const effect = async <T>(name: string, action: () => T): Promise<T> => {
      await this.#tick(`source ${name}`);
      if (life !== this.#sourceLife) return never;
      const result = action();
      this.#check();
      return result;
    };
    return {
      save: (record) =>
        effect(`save ${record.state}`, () => {
          if (this.#flaw === 'permit-not-written-down' && record.state === 'permitted') return;
          this.#sourceDisk = structuredClone(record);
        }),
      presync: () => effect('presync', () => ({ bytes: 0, rounds: 1 })),
      freeze: () =>
        effect('freeze', () => {
          this.atSource = 'frozen';
        }),
      transfer: () => effect('transfer', () => {}),
      isHeld: () => effect('is held', () => this.atSource === 'frozen'),
      detach: () => effect('detach', () => {}),
      thaw: () =>
        effect('thaw', () => {
          if (this.atSource === 'gone') this.violations.push('thawed what is gone');
          else this.atSource = 'running';
        }),
      release: () =>
        effect('release', () => {
          this.atSource = 'gone';
        }),
      destinationState: async () => {
        const asked = await this.#message();
        const state = this.destination?.record.state;
        const answered = await this.#message();
        if (life !== this.#sourceLife) return never;
        if (asked && answered && state) return state;
        return this.#flaw === 'silence-means-aborted' ? 'aborted' : undefined;
      },
      pause: () => this.#tick('source pause'),
      nowMs: () => 0,
      time: () => '',
      changed: () => {},
    };
  }

  #destinationPorts(): DestinationPorts {
    const life = this.#destinationLife;
    const effect = async <T>(name: string, action: () => T): Promise<T> => {
      await this.#tick(`destination ${name}`);
      if (life !== this.#destinationLife) return never;
      const result = action();
      this.#check();
      return result;
    };
    return {
      save: (record) =>
        effect(`save ${record.state}`, () => {
          if (this.#flaw === 'commit-not-written-down' && record.state === 'committed') return;
          this.#destinationDisk = structuredClone(record);
        }),
      prepare: () => effect('prepare', () => {}),
      restore: () =>
        effect('restore', () => {
          this.atDestination = 'held';
        }),
      askPermit: async () => {
        if (this.#flaw === 'commit-without-permit') return;
        const asked = await this.#message();
        const { source } = this;
        const refused =
          asked && source
            ? await source.permit().then(
                () => undefined,
                (error) => error,
              )
            : undefined;
        const answered = await this.#message();
        if (life !== this.#destinationLife) return never;
        if (!asked || !answered || !source) throw new CmigError('unreachable', 'no answer');
        if (refused) throw refused;
      },
      open: () =>
        effect('open', () => {
          this.atDestination = 'running';
        }),
      adopt: () => effect('adopt', () => {}),
      discard: () =>
        effect('discard', () => {
          if (this.atDestination === 'running') this.violations.push('discarded what runs');
          this.atDestination = 'none';
        }),
      tellSource: () => {},
      pause: () => this.#tick('destination pause'),
      time: () => '',
      changed: () => {},
    };
  }

  /** Aborts as a lapsed lease or a cancelled command does. */
  async abort(who: 'source' | 'destination'): Promise<void> {
    const reason = new CmigError('cancelled', 'the lease has lapsed');
    if (who === 'destination') {
      if (!this.destination?.restoring) await this.destination?.abort(reason);
      return;
    }
    if (this.#flaw === 'rollback-in-spite-of-permit' && this.source?.record.state === 'permitted') {
      this.source.record.state = 'frozen';
    }
    await this.source?.abort(reason);
  }
}
