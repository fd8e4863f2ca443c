import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Flaw, TwoHosts } from './two-hosts.ts';

const faults = ['crash source', 'crash destination', 'abort source', 'abort destination'] as const;

interface Course {
  scheduler: fc.Scheduler;
  arrives: boolean[];
  /** Each after so many turns of the scheduler. */
  faults: { fault: (typeof faults)[number]; after: number }[];
}

const course = fc.record<Course>({
  scheduler: fc.scheduler(),
  // Whether each message arrives; later ones all do, so that every course ends.
  arrives: fc.array(fc.boolean(), { maxLength: 12 }),
  faults: fc.array(fc.record({ fault: fc.constantFrom(...faults), after: fc.nat({ max: 30 }) }), {
    maxLength: 4,
  }),
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
  });
  const end = Promise.all(happenings).then(async () => {
    // Healed: dead agents start again, and leases of whoever is led by nobody lapse.
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

const settled = ({ source, destination, atSource, atDestination }: TwoHosts): boolean =>
  (!source || source.ended || source.record.state === 'presyncing') &&
  (!destination || (destination.ended && atDestination !== 'held')) &&
  atSource !== 'frozen';

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
  }, 60_000);

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
