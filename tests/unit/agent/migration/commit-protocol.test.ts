import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DestinationRecord } from '../../../../agent/migration/journal.ts';
import { type Flaw, TwoHosts } from './two-hosts.ts';

const faults = ['crash source', 'crash destination', 'abort source', 'abort destination'] as const;
/** Those of the one case that needs a person. */
const losses = ['power loss', 'power', 'resolve to source', 'resolve to destination', 'cut', 'heal'] as const;
type Fault = (typeof faults | typeof losses)[number];

interface Course {
  scheduler: fc.Scheduler;
  arrives: boolean[];
  /** Each after so many turns of the scheduler. */
  faults: { fault: Fault; after: number }[];
}

const courses = (among: readonly Fault[], { most = 4, latest = 30 } = {}) =>
  fc.record<Course>({
    scheduler: fc.scheduler(),
    // Whether each message arrives; later ones all do, so that every course ends.
    arrives: fc.array(fc.boolean(), { maxLength: 12 }),
    faults: fc.array(fc.record({ fault: fc.constantFrom(...among), after: fc.nat({ max: latest }) }), {
      maxLength: most,
    }),
  });
const course = courses(faults);
const persons = losses.filter((each) => each !== 'cut' && each !== 'heal');
/** The one case itself, one thing soon after the other, and around it whatever else may happen. */
const lossy = courses([...faults, ...persons]).chain((around) =>
  fc
    .tuple(
      fc.constantFrom<Fault>('power loss', 'crash destination'),
      fc.nat({ max: 60 }),
      fc.integer({ min: 5, max: 45 }),
      fc.nat({ max: 12 }),
      fc.nat({ max: 12 }),
    )
    .map(([loss, lost, waited, crashed, back]): Course => {
      const resolved = lost + waited;
      return {
        ...around,
        faults: [
          ...around.faults,
          { fault: loss, after: lost },
          { fault: 'resolve to source', after: resolved },
          { fault: 'crash source', after: resolved + crashed },
          { fault: 'power', after: resolved + back },
        ],
      };
    }),
);
/** The destination lives, and cannot be told from a lost one. */
const cut = courses([...faults, 'cut', 'resolve to source', 'resolve to source', 'heal'], {
  most: 8,
  latest: 90,
});

/** One migration with its faults, at moments that the scheduler chooses, until both hosts have come to an end. */
async function play({ scheduler, arrives, faults }: Course, flaw?: Flaw): Promise<TwoHosts> {
  const hosts = new TwoHosts(scheduler, { arrives, flaw });
  const quietly = (work: Promise<unknown>) => work.catch(() => {});
  quietly(hosts.orchestrate());
  const happenings = faults.map(async ({ fault, after }) => {
    for (let turn = 0; turn < after; turn += 1) await scheduler.schedule(Promise.resolve(), 'time passes');
    if (fault === 'crash source') hosts.crashSource();
    if (fault === 'crash destination') hosts.crashDestination();
    if (fault === 'abort source') quietly(hosts.abort('source'));
    if (fault === 'abort destination') quietly(hosts.abort('destination'));
    if (fault === 'power loss') hosts.losePowerAtDestination();
    if (fault === 'power') quietly(hosts.startDestination());
    if (fault === 'resolve to source') quietly(hosts.resolve('source'));
    if (fault === 'resolve to destination') quietly(hosts.resolve('destination'));
    if (fault === 'cut') hosts.cut = true;
    if (fault === 'heal') hosts.cut = false;
  });
  const end = Promise.all(happenings).then(async () => {
    // Healed: dead agents start again, and leases of whoever is led by nobody lapse.
    hosts.cut = false;
    quietly(hosts.startSource());
    quietly(hosts.startDestination());
    for (let rounds = 0; rounds < 200 && !settled(hosts); rounds += 1) {
      await scheduler.schedule(Promise.resolve(), 'time passes');
      if (rounds % 20 === 19) {
        quietly(hosts.abort('destination'));
        quietly(hosts.abort('source'));
      }
    }
  });
  await scheduler.waitFor(end);
  return hosts;
}

const settled = (hosts: TwoHosts): boolean =>
  (!hosts.source || hosts.source.ended || hosts.source.record.state === 'presyncing') &&
  (!hosts.destination || isOver(hosts.destination.record, hosts.atDestination)) &&
  hosts.atSource !== 'frozen';

/** What was committed runs, and this host was told how the source has ended. */
const isOver = (
  { state, confirmed, setAside }: DestinationRecord,
  at: TwoHosts['atDestination'],
): boolean => {
  if (state === 'aborted') return at !== 'held';
  return state === 'committed' && (setAside ? at === 'aside' : confirmed === true && at === 'running');
};

const copies = ({ atSource, atDestination }: TwoHosts): number =>
  Number(atSource === 'running') + Number(atDestination === 'running');

describe('the commit protocol', () => {
  it('never has two running copies, and in the end has exactly one', async () => {
    await fc.assert(
      fc.asyncProperty(course, async (each) => {
        const hosts = await play(each);
        expect(hosts.violations).toEqual([]);
        expect(copies(hosts)).toBe(1);
      }),
      { numRuns: 1500 },
    );
  }, 180_000);

  it('never has two running copies where a person speaks for a destination that lost its power', async () => {
    await fc.assert(
      fc.asyncProperty(lossy, async (each) => {
        const hosts = await play(each);
        expect(hosts.violations).toEqual([]);
        expect(copies(hosts)).toBe(1);
      }),
      { numRuns: 700 },
    );
  }, 180_000);

  it('ends with exactly one copy where a person took a living destination for lost', async () => {
    await fc.assert(
      fc.asyncProperty(cut, async (each) => {
        const hosts = await play(each);
        expect(hosts.violations.filter((violation) => violation !== 'two copies run')).toEqual([]);
        expect(copies(hosts)).toBe(1);
      }),
      { numRuns: 700 },
    );
  }, 180_000);

  it.each<Flaw>(['resolve-without-looking', 'resolve-not-written-down', 'open-without-asking'])(
    'is found wrong with the flaw %s',
    async (flaw) => {
      const result = await fc.check(
        fc.asyncProperty(lossy, async (each) => {
          const hosts = await play(each, flaw);
          return hosts.violations.length === 0 && copies(hosts) === 1;
        }),
        // It takes some hundreds, by chance also a thousand.
        { numRuns: 20_000, endOnFailure: true },
      );
      expect(result.failed).toBe(true);
    },
    180_000,
  );

  it.each<Flaw>([
    'commit-without-permit',
    'permit-not-written-down',
    'silence-means-aborted',
    'commit-not-written-down',
    'rollback-in-spite-of-permit',
  ])(
    'is found wrong with the flaw %s',
    async (flaw) => {
      const result = await fc.check(
        fc.asyncProperty(course, async (each) => {
          const hosts = await play(each, flaw);
          return hosts.violations.length === 0 && copies(hosts) === 1;
        }),
        { numRuns: 3000, endOnFailure: true },
      );
      expect(result.failed).toBe(true);
    },
    60_000,
  );
});
