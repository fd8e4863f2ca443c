// `cmig lab`: still to come.
import { CmigError } from '../../core/errors.ts';

export async function up(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab up is not there yet');
}
export async function down(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab down is not there yet');
}
export async function status(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab status is not there yet');
}
export async function exec(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab exec is not there yet');
}
export async function kill(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab kill is not there yet');
}
export async function start(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab start is not there yet');
}
export async function partition(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab partition is not there yet');
}
export async function heal(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab heal is not there yet');
}
export async function shape(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab shape is not there yet');
}
export async function broker(): Promise<void> {
  throw new CmigError('unsupported', 'cmig lab broker is not there yet');
}
