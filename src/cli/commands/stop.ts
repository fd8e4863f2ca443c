// `cmig stop`.
import { stopApplication } from '../../orchestrator/stopping.ts';
import { changeEach } from '../change-each.ts';
import type { Invocation } from '../command.ts';

export const run = (invocation: Invocation): Promise<void> =>
  changeEach(invocation, stopApplication, 'stopped');
