// Who may ask an agent for what: one line a method. The compiler misses none, since every method must stand here.
import { type Identity, type OperatorRole, operatorRoles } from './identity.ts';
import type { MethodName } from './methods.ts';

interface Access {
  /** The least that an operator must be. */
  role: OperatorRole;
  /** Other hosts may, too: what agents settle among themselves. */
  peers?: true;
}

const look: Access = { role: 'viewer' };
const lookAsPeer: Access = { role: 'viewer', peers: true };
const change: Access = { role: 'operator' };
const changeAsPeer: Access = { role: 'operator', peers: true };
const administer: Access = { role: 'admin' };

export const access: Record<MethodName, Access> = {
  'agent.describe': lookAsPeer,
  'host.list': lookAsPeer,
  'host.places': lookAsPeer,
  'host.known-places': look,
  'host.clock': lookAsPeer,
  'host.ports': look,
  /** Of itself only, where a host asks. */
  'host.put': { role: 'admin', peers: true },
  'host.cordon': administer,
  'host.rotate-key': administer,
  /** It dumps and restores a container of its own making, and changes nothing. */
  'host.diagnose': administer,
  'operation.get': lookAsPeer,

  'image.describe': lookAsPeer,
  'image.put': changeAsPeer,
  'image.upload.begin': change,
  'image.upload.chunk': change,
  'image.upload.abort': change,
  'image.upload.end': change,
  'image.send': change,
  'image.list': look,
  'image.prune': administer,

  'application.list': lookAsPeer,
  'application.get': lookAsPeer,
  'application.deploy': change,
  'application.start': change,
  'application.stop': change,
  'application.delete': change,
  'application.logs': look,
  'application.exec': change,
  /** Whoever has opened the session, and nobody else. */
  'session.input': look,
  'session.close': look,

  'checkpoint.list': look,
  'checkpoint.get': look,
  'checkpoint.take': change,
  'checkpoint.verify': change,
  'checkpoint.restore': change,
  'checkpoint.send': change,
  'checkpoint.expect': changeAsPeer,
  'checkpoint.take-in': changeAsPeer,
  /** A checkpoint has an application's memory, and with it whatever it keeps secret. */
  'checkpoint.export': change,
  'checkpoint.import': change,
  'checkpoint.delete': change,

  'migration.preflight.source': change,
  'migration.preflight.destination': change,
  'migration.prepare': change,
  'migration.presync': change,
  'migration.freeze': change,
  'migration.restore': change,
  /** The destination asks the source; nobody else has a say in it. */
  'migration.permit': changeAsPeer,
  'migration.finish': changeAsPeer,
  'migration.abort': changeAsPeer,
  'migration.resolve': change,
  'migration.renew': change,
  'migration.get': lookAsPeer,
  'migration.list': look,
};

/** Why `identity` may not ask for `method`; undefined where it may. */
export function refusalOf(identity: Identity, method: MethodName): string | undefined {
  const { role, peers } = access[method];
  if (identity.role === 'host') return peers ? undefined : 'which hosts do not ask each other for';
  const rank = operatorRoles.indexOf(identity.role as OperatorRole);
  if (rank >= operatorRoles.indexOf(role)) return undefined;
  return `which takes the role ${role}`;
}
