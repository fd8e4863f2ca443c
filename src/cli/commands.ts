// The registry of commands: one line a command.
import type { CommandSpec } from './command.ts';
import * as applications from './declarations/applications.ts';
import * as checkpoints from './declarations/checkpoints.ts';
import { cordon, drain, host, uncordon } from './declarations/hosts.ts';
import { image } from './declarations/images.ts';
import { lab } from './declarations/lab.ts';
import { migrate, migration } from './declarations/migration.ts';
import * as settings from './declarations/settings.ts';
import * as trust from './declarations/trust.ts';
import * as watching from './declarations/watching.ts';

export const commands: readonly CommandSpec[] = [
  applications.apply,
  applications.diff,
  applications.validate,
  applications.convert,
  applications.remove,
  applications.stop,
  applications.start,
  applications.logs,
  applications.exec,
  migrate,
  migration,
  checkpoints.checkpoint,
  checkpoints.restore,
  watching.get,
  watching.describe,
  watching.events,
  watching.topology,
  watching.top,
  host,
  cordon,
  uncordon,
  drain,
  image,
  trust.init,
  trust.operator,
  trust.broker,
  lab,
  settings.config,
  settings.explain,
  settings.completion,
  settings.complete,
  settings.version,
];
