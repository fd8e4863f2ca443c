// What a long operation says of its course, without knowing any screen; view/read-model makes of it what screens show.
import type { Event } from '../contract/events.ts';
import type { MigrationIdentity } from '../contract/migration.ts';

/** One step of an operation; `step` names it within the operation. */
export type ProgressEvent =
  /** The steps that will come, in order; a later plan adds to an earlier one. */
  | {
      type: 'planned';
      /** One that names an application is the move of it, and its figures are those of its migration. */
      steps: { step: string; title: string; application?: string }[];
      /** So many of them run side by side, and one that fails does not keep the others; else one follows the other. */
      sideBySide?: number;
    }
  /** A step that was not planned is added. */
  | { type: 'begun'; step: string; title?: string }
  | {
      type: 'progressed';
      step: string;
      bytes?: number;
      totalBytes?: number;
      bytesPerSecond?: number;
      /** What it does just now, in a few words. */
      note?: string;
    }
  | { type: 'ended'; step: string; note?: string }
  | { type: 'skipped'; step: string; note?: string }
  | { type: 'failed'; step: string; note?: string }
  /** Something worth knowing that is no step. */
  | { type: 'noted'; note: string };

/** Of the operation itself, or of a migration that is a part of it: what its orchestrator does, and what its hosts say. */
export type Progress =
  | ProgressEvent
  | { type: 'migrating'; migration: MigrationIdentity; event: ProgressEvent }
  | { type: 'heard'; event: Event };

export type OnProgress = (progress: Progress) => void;
