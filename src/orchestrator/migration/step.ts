// What a step of a migration is, and what the steps of one migration share.
import type { Application } from '../../contract/application.ts';
import type { FaultCode, Problem } from '../../contract/fault.ts';
import type { Host } from '../../contract/host.ts';
import type { MigrationFacts } from '../../contract/methods.ts';
import type { Migration, MigrationBytes, MigrationStep } from '../../contract/migration.ts';
import type { ProgressEvent } from '../../core/progress.ts';
import type { OrchestratorContext } from '../context.ts';
import type { MigrationNews } from './migration-news.ts';

/** One migration under way, from the orchestrator's side. Steps fill in what later steps need. */
export interface MigrationRun extends OrchestratorContext {
  id: string;
  application: Application;
  from: Host;
  to: Host;
  strategy: string;
  /** How long either agent goes on without a word from the orchestrator. */
  leaseMs: number;
  onProgress: (event: ProgressEvent) => void;
  /** The agents' events of this migration. */
  news: MigrationNews;
  facts?: MigrationFacts;
  /** The source's operation that freezes and then sends on its own. */
  freezing?: Promise<{ phases: Record<string, number>; bytes: MigrationBytes; connections: number }>;
  /** The destination's operation that restores, asks the permit and commits on its own. */
  restoring?: Promise<{ phases: Record<string, number> }>;
  phases: Record<string, number>;
  bytes: MigrationBytes;
  connections: number;
  /** How the source says that it ended; where there is such a word, no other counts. */
  ending?: Migration;
  /** How the destination says that it ended. */
  endingAtDestination?: Migration;
  warnings: string[];
  /** What preflight warns of, with what to do and where it is written. */
  findings: Problem[];
}

/**
 * A step has `run` and `undo`. Before the commit a failure undoes in reverse order, the failed step included; undo
 * must cope with a step that was hardly begun. From `commit` on nothing is undone.
 */
export interface Step {
  name: MigrationStep;
  title: string;
  /** A few words about the result, to be shown beside the step. */
  run(run: MigrationRun): Promise<string | undefined>;
  undo?(run: MigrationRun, reason: { code: FaultCode; message: string }): Promise<void>;
}

/** A way of moving an application: a name, what it requires, and its steps in order. */
export interface Strategy {
  name: string;
  summary: string;
  steps: readonly Step[];
}
