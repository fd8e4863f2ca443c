// How many applications a command moves at a time.
import type { OptionSpec } from '../command.ts';

export const parallelOption = (summary: string): OptionSpec => ({
  flags: '--parallel <N>',
  summary,
  value: 'integer',
  default: '2',
});
