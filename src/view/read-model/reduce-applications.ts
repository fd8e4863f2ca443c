// Who has an application, and how it is there: by what hosts say of it, and by what they answer.
import type { Application, ApplicationStatus } from '../../contract/application.ts';
import { apiVersion } from '../../contract/protocol.ts';
import { changeable, type Draft } from './draft.ts';

type Applications = ReadonlyMap<string, Application>;

/** The same map where the one who says so does not speak for it. */
export function afterStatus(
  applications: Applications,
  name: string,
  status: ApplicationStatus,
  draft: Draft,
): Applications {
  const before = applications.get(name);
  if (!speaksFor(before, status)) return applications;
  const after = before ? { ...before, status } : provisional(name, status);
  return changeable(applications, draft).set(name, after);
}

export function afterDeletion(
  applications: Applications,
  name: string,
  host: string,
  draft: Draft,
): Applications {
  if (applications.get(name)?.status.host !== host) return applications;
  const after = changeable(applications, draft);
  after.delete(name);
  return after;
}

/** What the hosts answered counts; what a silent one had is not gone, and is only another's who speaks for it. */
export function mergeApplications(
  known: Applications,
  answered: readonly Application[],
  silent: ReadonlySet<string>,
): Applications {
  const merged = new Map(answered.map((application) => [application.metadata.name, application]));
  for (const [name, before] of known) {
    if (!silent.has(before.status.host)) continue;
    const claim = merged.get(name);
    if (!claim || !speaksFor(before, claim.status)) merged.set(name, before);
  }
  return merged;
}

/** A destination that only expects it, and a source that has let go, do not speak for it. */
function speaksFor(before: Application | undefined, { host, phase, epoch }: ApplicationStatus): boolean {
  if (before?.status.host === host) return epoch >= before.status.epoch;
  if (phase === 'Incoming') return false;
  return before === undefined || epoch > before.status.epoch;
}

/** What a status alone tells of an application; its labels and the rest are asked for. */
const provisional = (name: string, status: ApplicationStatus): Application => ({
  apiVersion,
  kind: 'Application',
  metadata: { name },
  spec: { host: status.host, containers: [] },
  status,
});

export const isProvisional = ({ spec }: Application): boolean => spec.containers.length === 0;
