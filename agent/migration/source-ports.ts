// What the source's half of the commit protocol asks of its machine.
import type { DestinationState } from '../../src/contract/migration.ts';
import type { SourceRecord } from './journal.ts';
import type { Sign } from './resolving.ts';

/** What the source's half asks of its machine. Every method may be called again after a crash. */
export interface SourcePorts {
  /** On disk when it resolves. */
  save(record: SourceRecord): Promise<void>;
  /** Sends files while the application runs. */
  presync(signal: AbortSignal): Promise<{ bytes: number; rounds: number }>;
  /** Lock on, all containers dumped and held. Fills in phases and connections of the record. */
  freeze(signal: AbortSignal): Promise<void>;
  /** Sends files and images to the destination. Fills in phases and bytes. */
  transfer(signal: AbortSignal): Promise<void>;
  /** All containers are still frozen: one whose criu was killed may have run on since its dump. */
  isHeld(): Promise<boolean>;
  /** The application's address leaves the network here, and others may believe the destination that it is there. */
  detach(): Promise<void>;
  /** From wherever it is: thawed in place, lock off, address announced, everything of the attempt removed. */
  thaw(): Promise<void>;
  /** The frozen processes end, and everything of the application is removed. */
  release(): Promise<void>;
  /** A person gave the application to the destination: as `release`, but the files are kept aside. */
  giveUp(): Promise<void>;
  /** By the destination's journal; undefined where it does not answer. */
  destinationState(): Promise<DestinationState | undefined>;
  /** Takes its time to find any sign of the destination. */
  lookForDestination(): Promise<Sign>;
  /** Waits; resolves early when nudged by news. */
  pause(milliseconds: number): Promise<void>;
  nowMs(): number;
  /** RFC 3339; now, or so many milliseconds later. */
  time(laterMs?: number): string;
  /** The record has changed its state. */
  changed(record: SourceRecord): void;
}
