// What is known at one moment of all kinds, and of what is under way: what every screen and every list reads from.
import type { Application } from '../../contract/application.ts';
import type { Checkpoint } from '../../contract/checkpoint.ts';
import type { Event } from '../../contract/events.ts';
import type { ContainerStatistics, Host, HostStatistics } from '../../contract/host.ts';
import type { Image } from '../../contract/image.ts';
import type { Migration, MigrationOutcome, MigrationStep } from '../../contract/migration.ts';

/** All times named `…Ms` are milliseconds since the epoch by the clock of this machine. */
export interface ReadModel {
  /** Whether the broker is there, and since when that is so. */
  connection: { connected: boolean; sinceMs: number };
  /** False until the hosts have been asked once. */
  complete: boolean;
  /** Why they could not be asked. */
  problem?: string;
  hosts: ReadonlyMap<string, HostState>;
  applications: ReadonlyMap<string, Application>;
  /** By `name@host`: each host has copies of its own. */
  checkpoints: ReadonlyMap<string, Checkpoint>;
  images: ReadonlyMap<string, Image>;
  migrations: ReadonlyMap<string, MigrationState>;
  /** Of the operation that this process itself runs. */
  course: Course;
  /** Kept ones, oldest first. */
  events: readonly Event[];
  /** What a person should know, such as two hosts that claim one application. */
  warnings: readonly string[];
}

export interface HostState {
  /** How it described itself last; without versions and sizes where it never did. */
  host: Host;
  described: boolean;
  /** The last sign of it. */
  heardAtMs?: number;
  /** It does not answer, or said that it stops; until the next sign. */
  silent: boolean;
  /** Whether its own figures have come, which tell of its containers too. */
  measured: boolean;
  /** Oldest first. */
  samples: readonly HostStatistics[];
  /** By `application/container`. */
  containers: ReadonlyMap<string, ContainerStatistics>;
}

export interface MigrationState {
  id: string;
  application: string;
  from: string;
  to: string;
  strategy?: string;
  /** The furthest that it has come. */
  step: MigrationStep;
  /** Its steps so far as they are known: all of them for who runs it, those that were seen for who only watches. */
  course: Course;
  startedAtMs: number;
  /** When the news came that it is frozen. */
  frozenAtMs?: number;
  /** The pause as the source measured it, once it is over. */
  frozenMs?: number;
  sentBytes?: number;
  connections?: number;
  /** Which host must be heard before it goes on. */
  awaits?: string;
  outcome?: MigrationOutcome;
  /** When the news of its end came; 0 where it had ended before anything was known of it. */
  endedAtMs?: number;
  error?: string;
  /** What its hosts have written down, as they told it last. */
  journal?: Migration;
}

/** How far an operation has come. */
export interface Course {
  steps: readonly StepState[];
  notes: readonly string[];
}

export interface StepState {
  step: string;
  title: string;
  state: 'waiting' | 'running' | 'done' | 'skipped' | 'failed';
  begunAtMs?: number;
  tookMs?: number;
  bytes?: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  note?: string;
  /** Of which application it is the move. */
  application?: string;
  /** So many of its plan run at a time, and another one's failure does not keep it from being begun. */
  sideBySide?: number;
}

export const noCourse: Course = { steps: [], notes: [] };

export const emptyModel = (nowMs: number): ReadModel => ({
  connection: { connected: true, sinceMs: nowMs },
  complete: false,
  hosts: new Map(),
  applications: new Map(),
  checkpoints: new Map(),
  images: new Map(),
  migrations: new Map(),
  course: noCourse,
  events: [],
  warnings: [],
});

/** The key of what several hosts may have, each for itself. */
export const copyKey = (name: string, host: string): string => `${name}@${host}`;
