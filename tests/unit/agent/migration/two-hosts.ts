// Two hosts in memory, for the commit protocol: what is on disk, what runs, and messages that get lost.
import type { Scheduler } from 'fast-check';
import { DestinationMigration } from '../../../../agent/migration/destination-migration.ts';
import type { DestinationPorts, SourceEnding } from '../../../../agent/migration/destination-ports.ts';
import type { DestinationRecord, SourceRecord } from '../../../../agent/migration/journal.ts';
import { SourceMigration } from '../../../../agent/migration/source-migration.ts';
import type { SourcePorts } from '../../../../agent/migration/source-ports.ts';
import { CmigError } from '../../../../src/core/errors.ts';

/** A protocol that is wrong on purpose, to see that the test notices. */
export type Flaw =
  | 'commit-without-permit'
  | 'permit-not-written-down'
  | 'silence-means-aborted'
  | 'commit-not-written-down'
  | 'rollback-in-spite-of-permit'
  | 'resolve-without-looking'
  | 'resolve-not-written-down'
  | 'open-without-asking';

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
/** What one turn of the scheduler takes. */
const turnMs = 1000;
/** Requests are given up after so many turns. */
const patienceTurns = 15;

export class TwoHosts {
  atSource: 'running' | 'frozen' | 'gone' = 'running';
  /** `down`: what ran there ended with its host, `aside`: it was stopped, since the source has the application. */
  atDestination: 'none' | 'held' | 'running' | 'down' | 'aside' = 'none';
  /** Nothing gets through between the two hosts, though both live. */
  cut = false;
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
  #turns = 0;
  #destinationHasPower = true;
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

  /** What runs there ends, and nothing answers any more. */
  losePowerAtDestination(): void {
    this.crashDestination();
    this.#destinationHasPower = false;
    if (this.atDestination === 'held') this.atDestination = 'none';
    if (this.atDestination === 'running') this.atDestination = 'down';
  }

  /** A person's word. To the destination's advantage only where it has committed: that much the person knows. */
  async resolve(to: 'source' | 'destination'): Promise<void> {
    if (to === 'destination' && this.#destinationDisk?.state !== 'committed') return;
    const { source } = this;
    await source?.resolve({ to, by: 'ann', confirmed: true });
    await source?.settle();
  }

  /** The agent starts again with what is on its disk. */
  startSource(): Promise<void> {
    if (this.source || !this.#sourceDisk) return Promise.resolve();
    this.source = new SourceMigration(structuredClone(this.#sourceDisk), this.#sourcePorts());
    return this.source.recover();
  }

  startDestination(): Promise<void> {
    this.#destinationHasPower = true;
    if (this.destination || !this.#destinationDisk) return Promise.resolve();
    const { adopted, confirmed, setAside, state } = this.#destinationDisk;
    if (adopted && this.atDestination === 'running') {
      // As agent/migration/migrations.ts has it: what runs is not touched unless the source says so.
      this.destination = new DestinationMigration(
        structuredClone(this.#destinationDisk),
        this.#destinationPorts(),
      );
      return this.destination.confirm();
    }
    if (state === 'committed' && adopted && confirmed && !setAside) {
      this.atDestination = 'running';
      return Promise.resolve();
    }
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
    return (this.#arrives.shift() ?? true) && !this.cut;
  }

  /** The answer, or undefined where it takes too long. */
  async #within<T>(answer: Promise<T> | undefined): Promise<T | undefined> {
    let answered = false;
    const told = answer?.finally(() => {
      answered = true;
    });
    const patience = async () => {
      for (let turn = 0; turn < patienceTurns && !answered; turn += 1) await this.#tick('patience');
      return undefined;
    };
    return await Promise.race([...(told ? [told] : []), patience()]);
  }

  #tick(what: string): Promise<void> {
    this.#turns += 1;
    return this.#scheduler.schedule(Promise.resolve(), what);
  }

  #check(): void {
    if (this.atSource === 'running' && this.atDestination === 'running')
      this.violations.push('two copies run');
    // What is committed is made to run again after a power loss.
    const promised = this.#destinationDisk?.state === 'committed';
    if (this.atSource === 'gone' && this.atDestination === 'none' && !promised)
      this.violations.push('no copy is left');
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
          if (this.#flaw === 'resolve-not-written-down' && record.resolved) return;
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
          if (this.atSource === 'running') this.violations.push('released what runs');
          this.atSource = 'gone';
        }),
      giveUp: () =>
        effect('give up', () => {
          if (this.atSource === 'running') this.violations.push('gave up what runs');
          this.atSource = 'gone';
        }),
      lookForDestination: async () => {
        await this.#tick('look for the destination');
        if (life !== this.#sourceLife) return never;
        if (this.#flaw === 'resolve-without-looking' || this.cut) return { sign: 'none' };
        const state = this.destination?.record.state;
        if (state) return { sign: 'state', state };
        return this.#destinationHasPower ? { sign: 'address', what: 'it is on' } : { sign: 'none' };
      },
      destinationState: async () => {
        const asked = await this.#message();
        const state = this.destination?.record.state;
        const answered = await this.#message();
        if (life !== this.#sourceLife) return never;
        if (asked && answered && state) return state;
        return this.#flaw === 'silence-means-aborted' ? 'aborted' : undefined;
      },
      pause: () => this.#tick('source pause'),
      nowMs: () => this.#turns * turnMs,
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
      adopt: () =>
        effect('adopt', () => {
          if (this.#destinationDisk) this.#destinationDisk.adopted = true;
          if (this.destination) this.destination.record.adopted = true;
        }),
      startAgain: () =>
        effect('start again', () => {
          this.atDestination = 'running';
        }),
      setAside: () =>
        effect('set aside', () => {
          this.atDestination = 'aside';
        }),
      discard: () =>
        effect('discard', () => {
          if (this.atDestination === 'running') this.violations.push('discarded what runs');
          this.atDestination = 'none';
        }),
      tellSource: () => {},
      askSource: async () => {
        if (this.#flaw === 'open-without-asking') return 'finished';
        const asked = await this.#message();
        const { source } = this;
        const settled =
          asked && source
            ? source.settle().then(
                () => source.record.state,
                () => undefined,
              )
            : undefined;
        const state = await this.#within(settled);
        const answered = await this.#message();
        if (life !== this.#destinationLife) return never;
        return answered ? (state as SourceEnding | undefined) : undefined;
      },
      lookForSource: async () => ({ sign: 'none' }),
      nowMs: () => this.#turns * turnMs,
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
