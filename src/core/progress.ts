// What a long operation says of its course, without knowing any screen; view/progress turns it into one.

/** One step of an operation; `step` names it within the operation. */
export type ProgressEvent =
  /** The steps that will come, in order; a later plan adds to an earlier one. */
  | {
      type: 'planned';
      steps: { step: string; title: string }[];
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

export type OnProgress = (event: ProgressEvent) => void;
