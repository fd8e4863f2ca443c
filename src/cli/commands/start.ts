// `cmig start`.
import { startApplication } from '../../orchestrator/starting.ts';
import { changeEach } from '../change-each.ts';
import type { Invocation } from '../command.ts';

export const run = (invocation: Invocation): Promise<void> =>
  changeEach(invocation, startApplication, 'started');
