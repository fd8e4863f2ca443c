// `cmig get`: still to come.
import { CmigError } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';

export async function run(_invocation: Invocation): Promise<void> {
  throw new CmigError('unsupported', 'cmig get is not there yet');
}
