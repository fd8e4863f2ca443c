// What the view can have done; each is a command of its own that does not end with the view.
import type { Application } from '../contract/application.ts';
import type { Event } from '../contract/events.ts';
import type { LogLine } from '../orchestrator/log-following.ts';
import type { MigrationReport } from '../orchestrator/migration/migrate.ts';

export interface TopologyActions {
  /** Asks both hosts and changes nothing. @throws CmigError with every problem */
  preflight(application: string, to: string, strategy: string, signal: AbortSignal): Promise<MigrationReport>;
  /** Settles at its end with one sentence. @throws CmigError where it did not succeed */
  migrate(application: string, to: string, strategy: string): Promise<string>;
  stop(application: string): Promise<string>;
  start(application: string): Promise<string>;
  cordon(host: string): Promise<string>;
  uncordon(host: string): Promise<string>;
  /** Settles when nothing of it is under way any more. @throws CmigError where not all have gone */
  drain(host: string): Promise<string>;
  /** Until `signal` is aborted. */
  logs(application: Application, signal: AbortSignal): AsyncIterable<LogLine>;
  /** What has happened to one thing, such as `application/shop`, oldest first. */
  pastEvents(subject: string): Promise<Event[]>;
}

/** What is asked for first, and then done to what has this name. */
export type ConfirmedAction = keyof Pick<TopologyActions, 'stop' | 'start' | 'cordon' | 'uncordon' | 'drain'>;
