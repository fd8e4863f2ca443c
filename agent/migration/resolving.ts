// When a person may end a migration that waits for a host which is lost: never where that could make a second copy.
import type { DestinationState, Resolution, SourceState } from '../../src/contract/migration.ts';
import { CmigError } from '../../src/core/errors.ts';

/** What was seen of the host that should be lost. */
export type Sign =
  /** Its agent answers, and has a journal of the migration. */
  | { sign: 'state'; state: SourceState | DestinationState }
  /** Its agent answers and knows nothing of the migration: its disk is another one than it was. */
  | { sign: 'no-journal' }
  /** Its agent does not answer, but something does at its address: the host may well be running the application. */
  | { sign: 'address'; what: string }
  | { sign: 'none' };

export interface ResolveRequest {
  to: Resolution['to'];
  /** Who says so. */
  by: string;
  /** The person was told that this host's copy is given up. */
  confirmed?: boolean;
}

/** The destination commits within so long of asking for its first permit, or never. */
export const permitMs = 15_000;
/** Added by the source: a write that was begun in time may end later. */
export const permitMarginMs = 5000;

/** @throws CmigError `conflict` where `sign` speaks against taking `host` for lost */
export function mustBeLost(host: string, sign: Sign): void {
  if (sign.sign === 'state') {
    throw new CmigError(
      'conflict',
      `${host} answers, and is ${sign.state}: the two hosts settle it themselves`,
      {
        hint: 'see: cmig get migrations',
      },
    );
  }
  if (sign.sign === 'address') {
    throw new CmigError(
      'conflict',
      `the agent of ${host} does not answer, but ${sign.what}: the application may be running there`,
      {
        hint: `start its agent, and the two hosts settle it themselves; or switch ${host} off and say it again`,
      },
    );
  }
}

/** @throws CmigError `conflict` where a host's copy would be given up without a person knowing */
export function mustBeConfirmed(request: ResolveRequest, application: string, host: string): void {
  if (request.confirmed) return;
  throw new CmigError(
    'conflict',
    `this gives up the frozen copy of ${application} on ${host}, the only one if the other host has none`,
    { hint: 'say --yes if the other host is known to run it' },
  );
}
