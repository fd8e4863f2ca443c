// What the destination's half of the commit protocol asks of its machine.
import type { DestinationRecord } from './journal.ts';
import type { Sign } from './resolving.ts';

/** What the destination's half asks of its machine. Every method may be called again after a crash. */
export interface DestinationPorts {
  /** On disk when it resolves. */
  save(record: DestinationRecord): Promise<void>;
  /** Directories and the locked network namespace. */
  prepare(signal: AbortSignal): Promise<void>;
  /** All containers restored and held, still stopped. */
  restore(signal: AbortSignal): Promise<void>;
  /** Resolves with the source's permit to commit within so long; rejects with `conflict` where it refuses. */
  askPermit(withinMs: number, signal: AbortSignal): Promise<void>;
  /** Lock open, link attached, containers let go, address announced. */
  open(): Promise<void>;
  /** The application is one of this host's, and what the migration needed is removed. */
  adopt(): Promise<void>;
  /** It was one of this host's before, and is started like any other. */
  startAgain(): Promise<void>;
  /** Everything of the attempt is removed; nothing of it has run. */
  discard(): Promise<void>;
  /** The application is stopped here, and its files are kept aside: the source has it. */
  setAside(): Promise<void>;
  /** Tells the source that this host has turned back. Never rejects. */
  tellSource(): void;
  /** Tells the source to finish; how it ended there, or undefined where it does not say. Never rejects. */
  askSource(): Promise<SourceEnding | undefined>;
  /** Takes its time to find any sign of the source. */
  lookForSource(): Promise<Sign>;
  nowMs(): number;
  pause(milliseconds: number): Promise<void>;
  time(): string;
  changed(record: DestinationRecord): void;
}

/** `unknown`: it has no journal of the migration (any more). */
export type SourceEnding = 'finished' | 'rolled-back' | 'unknown';
