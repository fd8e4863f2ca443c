// The RPC methods of a migration; the protocol itself is in agent/migration.

import type { RequestContext } from '../../src/broker/rpc-server.ts';
import type { Params } from '../../src/contract/methods.ts';
import type { Machine } from '../migration/machine.ts';
import type { Migrations } from '../migration/migrations.ts';
import { preflightDestination, preflightSource } from '../migration/preflight.ts';

export const migrationHandlers = (machine: Machine, migrations: Migrations) => ({
  'migration.preflight.source': (params: Params<'migration.preflight.source'>) =>
    preflightSource(machine, params),
  'migration.preflight.destination': (params: Params<'migration.preflight.destination'>) =>
    preflightDestination(machine, params),
  'migration.prepare': async (params: Params<'migration.prepare'>) => {
    await migrations.prepare(params);
    return {};
  },
  'migration.presync': (params: Params<'migration.presync'>) => migrations.presync(params),
  'migration.freeze': (params: Params<'migration.freeze'>) => migrations.freeze(params),
  'migration.restore': (params: Params<'migration.restore'>) => migrations.restore(params),
  'migration.permit': async (params: Params<'migration.permit'>, { identity }: RequestContext) => {
    await migrations.refuseStranger(params.migration, identity);
    await migrations.permit(params);
    return {};
  },
  'migration.finish': async (params: Params<'migration.finish'>, { identity }: RequestContext) => {
    await migrations.refuseStranger(params.migration, identity);
    return migrations.finish(params);
  },
  'migration.abort': async (params: Params<'migration.abort'>, { identity }: RequestContext) => {
    await migrations.refuseStranger(params.migration, identity);
    return migrations.abort(params);
  },
  'migration.resolve': (params: Params<'migration.resolve'>, { caller }: RequestContext) =>
    migrations.resolve(params, caller),
  'migration.renew': async (params: Params<'migration.renew'>) => {
    migrations.renew(params);
    return {};
  },
  'migration.get': (params: Params<'migration.get'>) => migrations.get(params),
  'migration.list': async () => ({ migrations: await migrations.list() }),
});
