// Wires the agent to the broker: its handlers to its queue, its heartbeat and its figures to the events.
import type { BrokerConnection } from '../src/broker/connection.ts';
import { type EventPublisher, subscribeEvents } from '../src/broker/events.ts';
import { serveRpc } from '../src/broker/rpc-server.ts';
import type { KeptCheckpoints } from './checkpoints/kept-checkpoints.ts';
import { Diagnosis } from './diagnosis/diagnosis.ts';
import { reportAfterStart } from './diagnosis/start-report.ts';
import { agentHandlers } from './handlers/agent.ts';
import { applicationHandlers } from './handlers/application.ts';
import { checkpointHandlers } from './handlers/checkpoint.ts';
import { hostHandlers } from './handlers/host.ts';
import { imageHandlers } from './handlers/image.ts';
import { migrationHandlers } from './handlers/migration.ts';
import type { Fencing } from './migration/fencing.ts';
import type { Machine } from './migration/machine.ts';
import type { Migrations } from './migration/migrations.ts';
import { startHeartbeat } from './peers/heartbeat.ts';
import { StatisticsReporter } from './statistics/statistics-reporter.ts';

/** @throws CmigError `conflict` where another agent serves under this name */
export async function serve(
  connection: BrokerConnection,
  events: EventPublisher,
  machine: Machine,
  migrations: Migrations,
  checkpoints: KeptCheckpoints,
  fencing: Fencing,
): Promise<{ stop(): Promise<void> }> {
  const { context, hosts, images, neighbourhood, supervisor, transfer } = machine;
  const { config, log, rpc } = context;
  const diagnosis = new Diagnosis(machine);
  const statistics = new StatisticsReporter({
    bridge: config.network.bridge,
    cgroupParent: config.cgroupParent,
    publish: (type, data) => events.publish(type, data),
    onProblem: (error) => log.warn({ err: error }, 'this host could not be measured'),
  });
  const server = await serveRpc(connection, {
    host: config.name,
    events,
    onProblem: (error) => log.warn({ err: error }, 'a message could not be handled'),
    handlers: {
      ...(await agentHandlers({
        context,
        countApplications: async () => supervisor.list().length,
        statistics: () => statistics.latest,
        isUnschedulable: () => hosts.own.unschedulable === true,
      })),
      ...hostHandlers(context, hosts, neighbourhood, diagnosis),
      ...imageHandlers(context, images, machine.applications, hosts, transfer),
      ...applicationHandlers(context, machine),
      ...checkpointHandlers(checkpoints),
      ...migrationHandlers(machine, migrations),
    },
  });
  const heard = await subscribeEvents(connection, { types: ['host.heard'], stat: true });
  const heartbeat = startHeartbeat({
    registry: hosts,
    log,
    heard,
    publish: (type, data) => events.publish(type, data),
    listHosts: async (peer) => (await rpc.call(peer, 'host.list', {})).hosts,
  });
  const claims = await subscribeEvents(connection, { types: ['application.changed'], stat: true });
  fencing
    .listen(claims)
    .catch((error) => log.error({ err: error }, "other hosts' claims are no longer heard"));
  const placed = await subscribeEvents(connection, { types: ['host.placed'], stat: true });
  neighbourhood
    .listen(placed)
    .catch((error) => log.error({ err: error }, "other hosts' applications are no longer heard of"));
  // Whoever could not be heard before, or could not hear, does so now.
  const stopAnnouncing = await connection.onConnected(() => {
    void connection.whenConnected().then(
      () => {
        supervisor.announce();
        const asked = neighbourhood.askPeers();
        neighbourhood.announce();
        return asked;
      },
      () => {},
    );
  });
  statistics.start();
  const report = reportAfterStart(diagnosis, context);
  return {
    async stop() {
      report.stop();
      statistics.stop();
      heartbeat.stop();
      stopAnnouncing();
      await placed.close();
      await claims.close();
      await heard.close();
      await server.close();
    },
  };
}
