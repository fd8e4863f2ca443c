// Moves several applications, some at a time; one that cannot move does not keep the others.
import { setMaxListeners } from 'node:events';
import type { Problem } from '../../contract/fault.ts';
import { CmigError, codeOf, toFault } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { OrchestratorContext } from '../context.ts';
import { readInventory } from '../inventory.ts';
import { type MigrationReport, migrate } from '../migration/migrate.ts';
import type { Choice } from './destinations.ts';
import type { MoveResult } from './move-result.ts';

export interface Move {
  application: string;
  from: string;
  choice: Choice;
}

/** How applications are moved, whichever they are and wherever to. */
export interface MovingOptions {
  /** How many at a time. */
  parallel: number;
  strategy?: string | undefined;
  /** Preflight only. */
  dryRun: boolean;
  /** Aborted: those under way turn back where they still can, and no further one is begun. */
  signal: AbortSignal;
  onProgress: OnProgress;
  /** Who holds the mutexes, such as `ann@desk (4711): cmig drain host-a`. */
  caller: string;
}

export interface MoveManyOptions extends MovingOptions {
  moves: readonly Move[];
  /** Another place, where these hosts have refused it. */
  again: (move: Move, refused: ReadonlySet<string>) => Choice;
}

/** In the order of the moves. Whatever becomes of one is its result; only mistakes in our code are thrown. */
export async function moveMany(
  context: OrchestratorContext,
  options: MoveManyOptions,
): Promise<MoveResult[]> {
  const { moves, parallel, onProgress, signal } = options;
  setMaxListeners(0, signal);
  const steps = moves.map(({ application, choice }) => ({
    step: application,
    title: title(application, choice),
    application,
  }));
  onProgress({ type: 'planned', steps, sideBySide: parallel });
  const results: MoveResult[] = [];
  // Shared, so that each worker takes the next one.
  const waiting = moves.entries();
  const work = async (): Promise<void> => {
    for (const [index, move] of waiting) {
      const result = signal.aborted ? notBegun(move) : await moveOne(context, move, options);
      results[index] = result;
      tellEnd(result, onProgress);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

const title = (application: string, choice: Choice): string =>
  'to' in choice ? `move ${application} to ${choice.to}` : `move ${application}`;

const notBegun = ({ application, from }: Move): MoveResult => ({ application, from, outcome: 'cancelled' });

async function moveOne(
  context: OrchestratorContext,
  move: Move,
  { again, strategy, dryRun, signal, onProgress, caller }: MoveManyOptions,
): Promise<MoveResult> {
  const { application, from } = move;
  const refusals = new Map<string, CmigError>();
  let { choice } = move;
  for (;;) {
    if ('why' in choice) return refused(move, choice.why, refusals);
    const { to } = choice;
    onProgress({ type: 'begun', step: application, title: title(application, choice) });
    try {
      const report = await migrate(context, {
        ...{ application, from, to, strategy, dryRun, signal, onProgress },
        caller: `${caller}, ${application} to ${to}`,
      });
      return { application, from, to, ...ended(report) };
    } catch (error) {
      if (!(error instanceof CmigError)) throw error;
      if (error.code === 'preflight-refused') {
        refusals.set(to, error);
        choice = isOfSource(error)
          ? { why: 'it cannot leave its host as it is' }
          : again(move, new Set(refusals.keys()));
        if ('to' in choice)
          onProgress({ type: 'noted', note: `${to} does not take ${application}; asking ${choice.to}` });
        continue;
      }
      if (signal.aborted && error.code === 'cancelled')
        return { application, from, to, outcome: 'cancelled' };
      if (await hasLeft(context, move)) return { application, from, outcome: 'gone' };
      return { application, from, to, outcome: 'failed', error: toFault(error) };
    }
  }
}

const ended = (report: MigrationReport): Pick<MoveResult, 'outcome' | 'report' | 'error'> => ({
  outcome: report.outcome ?? 'possible',
  report,
  ...(report.error ? { error: report.error } : {}),
});

function refused(
  { application, from }: Move,
  why: string,
  refusals: ReadonlyMap<string, CmigError>,
): MoveResult {
  const problems = onceEach([...refusals.values()].flatMap((refusal) => refusal.problems ?? []));
  const warnings = onceEach([...refusals.values()].flatMap((refusal) => refusal.warnings ?? []));
  const error = new CmigError('preflight-refused', `${application} stays on ${from}: ${why}`, {
    ...(problems.length > 0 ? { problems } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  });
  const last = [...refusals.keys()].at(-1);
  return { application, from, ...(last ? { to: last } : {}), outcome: 'refused', error: toFault(error) };
}

const onceEach = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((problem) => [problem.message, problem])).values(),
];

/** What preflight finds at the source and no other destination would change. */
const sourceChecks: readonly (string | undefined)[] = ['state', 'capabilities'];
const isOfSource = ({ problems = [] }: CmigError): boolean =>
  problems.some(({ where }) => sourceChecks.includes(where));

/** Whether somebody else has moved it off, or deleted it. */
async function hasLeft(context: OrchestratorContext, { application, from }: Move): Promise<boolean> {
  try {
    const { applications, unreachable } = await readInventory(context, { parts: ['applications'] });
    if (unreachable.includes(from)) return false;
    return applications.find(({ metadata }) => metadata.name === application)?.status.host !== from;
  } catch (error) {
    if (codeOf(error) === 'unreachable') return false;
    throw error;
  }
}

function tellEnd({ application: step, outcome, report, error }: MoveResult, onProgress: OnProgress): void {
  switch (outcome) {
    case 'committed':
      onProgress({ type: 'progressed', step, bytes: report!.bytes.total });
      onProgress({ type: 'ended', step, note: `frozen for ${(report!.frozenMs / 1000).toFixed(2)} s` });
      break;
    case 'possible':
      onProgress({ type: 'ended', step, note: 'both hosts agree' });
      break;
    case 'cancelled':
    case 'gone':
      onProgress({ type: 'skipped', step, note: outcome });
      break;
    default:
      onProgress({ type: 'failed', step, note: error ? `${outcome}: ${error.message}` : outcome });
  }
}
