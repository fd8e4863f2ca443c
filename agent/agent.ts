// The agent: every part of it made once, in the order in which one needs the other, and ended in the other order.
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type BrokerConnection, connectBrokerWhenPossible } from '../src/broker/connection.ts';
import { EventPublisher } from '../src/broker/events.ts';
import { RpcClient } from '../src/broker/rpc-client.ts';
import { runProcess } from '../src/core/run-process.ts';
import { version } from '../src/core/version.ts';
import { CheckpointSchedule } from './checkpoints/checkpoint-schedule.ts';
import { KeptCheckpoints } from './checkpoints/kept-checkpoints.ts';
import type { AgentConfig } from './config.ts';
import { type AgentContext, findPrograms } from './context.ts';
import { Fencing } from './migration/fencing.ts';
import { MigrationJournal } from './migration/journal.ts';
import type { Machine } from './migration/machine.ts';
import { Migrations } from './migration/migrations.ts';
import { ApplicationNetwork } from './network/application-network.ts';
import { Encryption } from './network/encryption.ts';
import { Forwarding } from './network/forwarding.ts';
import { Names } from './network/names.ts';
import { Neighbourhood } from './network/neighbourhood.ts';
import { Overlay, overlayMtu } from './network/overlay.ts';
import { HostRegistry } from './peers/host-registry.ts';
import { Checkpoints } from './runtime/checkpoint.ts';
import { ContainerRuntime } from './runtime/container-runtime.ts';
import { writeCriuDefaults } from './runtime/criu-defaults.ts';
import { endLeftSessions } from './runtime/left-sessions.ts';
import { startLogRotation } from './runtime/log-rotation.ts';
import { endApplications, isMachineEnding } from './runtime/machine-end.ts';
import { Supervisor } from './runtime/supervisor.ts';
import { serve } from './serve.ts';
import { ApplicationStore } from './store/application-store.ts';
import { claimDataDirectory } from './store/data-lock.ts';
import { removeHalfWritten } from './store/durable-file.ts';
import { ImageStore } from './store/image-store.ts';
import { AgentPaths } from './store/paths.ts';
import { PeerTransfer } from './transfer/peer-transfer.ts';

/** How long an operation under way may hold up the agent's end. */
const graceMs = 10_000;

/** How long a migration under way may: below the 90 s that systemd gives. */
const migrationGraceMs = 60_000;

export interface Agent {
  /** Serves no more, and leaves what runs to itself, unless the whole machine goes down. */
  stop(): Promise<void>;
}

/** @throws CmigError `conflict` where another agent has the data, `unsupported` where a program is missing or too old */
export async function startAgent(config: AgentConfig, log: Logger): Promise<Agent> {
  const lock = await claimDataDirectory(config.dataDirectory);
  const programs = await findPrograms(config.programs);
  const paths = new AgentPaths(config);
  await makeFolders(paths);
  await removeHalfWritten(paths.dataDirectory);
  Object.assign(programs.env, await writeCriuDefaults(paths.criuDefaults, programs.criu));
  const connection = connect(config, log);
  const events = new EventPublisher(connection, config.name, (error) =>
    log.warn({ err: error }, 'an event was not published'),
  );
  const rpc = new RpcClient(connection, { caller: `cmig-agent@${config.name} (${process.pid})` });
  const context: AgentContext = { config, log, events, rpc, paths, programs };

  const machine = makeMachine(context);
  const { supervisor, images, hosts } = machine;
  const migrations = new Migrations(machine);
  const checkpoints = new KeptCheckpoints(machine);
  const schedule = new CheckpointSchedule(machine, checkpoints);
  await images.open();
  await endLeftSessions(context, machine.runc);
  await supervisor.reconcile();
  await hosts.open();
  // One that is on its way here has its network, but not yet its place.
  const present = supervisor
    .records()
    .filter(
      ({ manifest, migration }) =>
        machine.network.exists(manifest.metadata.name) && migration?.role !== 'destination',
    );
  await machine.neighbourhood.open(present);
  await migrations.recover();
  await checkpoints.recover();
  const fencing = new Fencing(machine);
  await fencing.askPeers();
  await supervisor.removeOrphans();
  supervisor.finishDeletions();
  supervisor.startWanted();
  schedule.start();
  const rotation = startLogRotation(context, supervisor, machine.runtime.conmon);
  warmCriu(context);
  const service = await serve(connection, events, machine, migrations, checkpoints, fencing);
  events.publish('agent.started', { version });
  log.info({ version, host: config.name, applications: supervisor.list().length }, 'the agent serves');

  return {
    async stop() {
      schedule.stop();
      // While it still serves: the other host has its say in how a migration ends.
      await Promise.race([migrations.end(), sleep(migrationGraceMs, undefined, { ref: false })]);
      await service.stop();
      const end = performance.now() + graceMs;
      while ((supervisor.isBusy || checkpoints.isBusy) && performance.now() < end) await sleep(50);
      rotation.stop();
      await supervisor.close();
      if (await isMachineEnding()) await endApplications(context, machine.runtime, supervisor.records());
      await images.close();
      await machine.neighbourhood.close();
      await hosts.close();
      events.publish('agent.stopped', {});
      await events.close();
      await rpc.close();
      await connection.close();
      lock.release();
    },
  };
}

function makeMachine(context: AgentContext): Machine {
  const { config, log, paths, programs } = context;
  const hosts = new HostRegistry({ config, paths, log });
  const applications = new ApplicationStore(paths);
  const images = new ImageStore(paths);
  const { overlay } = config.network;
  const neighbourhood = new Neighbourhood(context, hosts, [
    ...(overlay
      ? [
          new Encryption({ ...config, ...overlay }),
          new Overlay({ ...config.network, ...overlay, brokerUrl: config.broker.url }),
        ]
      : []),
    new Names(paths),
    new Forwarding({ ...config.network, overlay: overlay !== undefined }),
  ]);
  const network = new ApplicationNetwork({ ...config.network, mtu: overlay && overlayMtu }, neighbourhood);
  const runtime = new ContainerRuntime(context, images);
  const { runc } = runtime;
  return {
    context,
    hosts,
    applications,
    images,
    network,
    neighbourhood,
    runc,
    runtime,
    checkpoints: new Checkpoints(programs, paths, runc, log),
    supervisor: new Supervisor({ context, runtime, network, store: applications }, images),
    transfer: new PeerTransfer({
      identityFile: config.ssh.identityFile,
      knownHostsFile: hosts.knownHostsFile,
      runDirectory: config.runDirectory,
    }),
    journal: new MigrationJournal(paths.migrationsDirectory),
  };
}

/** Containers are cared for while there is no broker, so nobody waits for it. */
function connect(config: AgentConfig, log: Logger): BrokerConnection {
  let lastProblem = '';
  return connectBrokerWhenPossible({
    url: config.broker.url,
    credentials: config.credentials,
    tls: config.tls,
    insecure: config.broker.insecure,
    name: `cmig-agent ${config.name}`,
    onState: (state) => {
      lastProblem = '';
      log.info(`broker: ${state}`);
    },
    onProblem: (error) => {
      // The same every few seconds is told once.
      if (error.message === lastProblem) return;
      lastProblem = error.message;
      log.warn({ err: error }, 'broker');
    },
  });
}

async function makeFolders(paths: AgentPaths): Promise<void> {
  const folders = [
    paths.applicationsDirectory,
    paths.migrationsDirectory,
    paths.checkpointsDirectory,
    paths.restoresDirectory,
    paths.incomingDirectory,
    paths.sshDirectory,
    paths.runDirectory,
    paths.exitsDirectory,
    paths.socketsDirectory,
  ];
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  // runc cannot list what there is in a folder that is not there, as after a reboot.
  await mkdir(paths.runcRoot, { recursive: true, mode: 0o711 });
}

/** criu keeps what it found out about the kernel in /run/criu.kdat: 50 ms that no pause need contain. */
function warmCriu({ programs, log }: AgentContext): void {
  runProcess(programs.criu, ['check', '--feature', 'mem_dirty_track'], {
    env: programs.env,
    allowedExitCodes: [0, 1],
  }).catch((error) => log.warn({ err: error }, 'criu could not look at this kernel'));
}
