// The paper's way: checkpoint, copy, restore; with prepare and presync before it and a commit behind it.
import type { Strategy } from '../step.ts';
import { commit } from '../steps/commit.ts';
import { finish } from '../steps/finish.ts';
import { freeze } from '../steps/freeze.ts';
import { preflight } from '../steps/preflight.ts';
import { prepare } from '../steps/prepare.ts';
import { presync } from '../steps/presync.ts';
import { restore } from '../steps/restore.ts';
import { transfer } from '../steps/transfer.ts';

export const stopAndCopy: Strategy = {
  name: 'stop-and-copy',
  summary: 'all memory is copied while the application is frozen',
  steps: [preflight, prepare, presync, freeze, transfer, restore, commit, finish],
};
