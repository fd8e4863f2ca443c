// Takes a checkpoint of an application: it stands still for a moment, and runs on with its connections.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointProcess } from '../../src/contract/checkpoint.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { dumpCpuInfo, readHostFacts } from '../migration/host-facts.ts';
import type { Machine } from '../migration/machine.ts';
import { resetPeers } from '../network/outer-connections.ts';
import { sizeOfFolder } from '../runtime/progress-watch.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { FileCapture } from './file-capture.ts';
import { FrozenApplication } from './frozen-application.ts';
import { told } from './local-copy.ts';

export interface TakeRequest {
  application: string;
  /** The name of the checkpoint. */
  id: string;
  reason: CheckpointRecord['reason'];
  /** It does not run on afterwards. */
  stop?: boolean | undefined;
}

/**
 * Whatever fails, the application runs on and no half checkpoint is left.
 * @throws CmigError `conflict` where not all of it runs, or something else is done to it
 */
export async function takeCheckpoint(
  machine: Machine,
  store: CheckpointStore,
  request: TakeRequest,
): Promise<CheckpointRecord> {
  const { supervisor, context } = machine;
  const { application, id, reason } = request;
  mustRun(machine, application);
  const folder = await store.begin(application, id);
  try {
    const record = supervisor.record(application);
    const previous = (await store.list(application)).at(-1);
    const images = join(folder, 'images');
    const frozen = new FrozenApplication(machine, record, images);
    const files = new FileCapture({
      folder: context.paths.application(application),
      checkpoint: folder,
      previous: previous && {
        folder: store.folder(application, previous.id),
        frozenAtMs: previous.frozenAtMs,
      },
      mappedFiles: () => frozen.mappedFiles(),
    });
    const facts = await factsOf(machine, record);
    const frozenMs = await capture(machine, request, frozen, files);
    await files.tidy();
    const taken: CheckpointRecord = {
      id,
      reason,
      ...(previous ? { previous: previous.id } : {}),
      ...(record.restoredFrom ? { restoredFrom: record.restoredFrom } : {}),
      takenOn: context.config.name,
      createdAt: new Date(frozen.frozenAtMs).toISOString(),
      frozenAtMs: frozen.frozenAtMs,
      frozenMs,
      connections: frozen.connections.length,
      ...facts,
      sockets: frozen.sockets,
      ...(await sizesOf(folder)),
      application: withoutMarks(record),
    };
    await store.keep(folder, taken);
    return taken;
  } catch (error) {
    await store.abandon(folder);
    throw told(error);
  }
}

/** @returns how long it stood still, in milliseconds */
async function capture(
  { supervisor, network, context }: Machine,
  { application, id, stop }: TakeRequest,
  frozen: FrozenApplication,
  files: FileCapture,
): Promise<number> {
  const runOn = async (): Promise<number> => {
    try {
      return await frozen.thaw();
    } finally {
      // Whatever became of its processes, they are supervised again: what has ended is restarted.
      await supervisor.resume(application);
    }
  };
  try {
    await supervisor.suspend(application, { id, role: 'checkpoint' });
    await files.prepare();
    await frozen.freeze();
    await Promise.all([frozen.noteSockets(), files.finish()]);
    await frozen.mustBeHeld();
  } catch (error) {
    const isOurs = supervisor.has(application) && supervisor.record(application).migration?.id === id;
    if (!isOurs) throw error;
    // What went wrong first is what is told.
    await runOn().catch((again) => context.log.error({ err: again, application }, 'could not be thawed'));
    throw error;
  }
  if (!stop) return runOn();
  const { frozenMs } = frozen;
  await frozen.end();
  await network.unlock(application);
  await resetPeers(application, frozen.connections).catch((error) =>
    context.log.warn({ err: error }, 'peers could not be told that their connections are no more'),
  );
  await supervisor.resumeStopped(application);
  return frozenMs;
}

/** @throws CmigError `not-found`; `conflict` that names the container which does not run */
function mustRun({ supervisor }: Machine, application: string): void {
  const { status } = supervisor.describe(application);
  const idle = status.containers.find(({ state }) => state !== 'Running');
  if (idle)
    throw new CmigError(
      'conflict',
      `${application} cannot be checkpointed: its container ${idle.name} does not run`,
      { hint: `see: cmig describe application ${application}` },
    );
}

/** What is asked for while it still runs, so that the pause does not wait for it. */
export async function factsOf(
  { context, runc }: Machine,
  record: ApplicationRecord,
): Promise<Pick<CheckpointRecord, 'architecture' | 'kernel' | 'criu' | 'cpuinfo' | 'processes'>> {
  const [{ architecture, kernel, criu }, cpuinfo] = await Promise.all([
    readHostFacts(context.programs),
    dumpCpuInfo(context.programs),
  ]);
  const processes: CheckpointProcess[] = [];
  for (const { name: container } of record.manifest.spec.containers)
    for (const pid of await runc.processes(record.manifest.metadata.name, container)) {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [line, status] = await Promise.all([read('cmdline'), read('status')]);
      const command = line.replaceAll('\0', ' ').trim().slice(0, 200);
      const memoryBytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
      if (processes.length < 200) processes.push({ container, pid, command, memoryBytes });
    }
  return { architecture, kernel, criu, cpuinfo, processes };
}

export async function sizesOf(
  folder: string,
): Promise<Pick<CheckpointRecord, 'memoryBytes' | 'fileBytes' | 'files'>> {
  const { stdout } = await runProcess('find', ['files', '-type', 'f', '-printf', '%s\\n'], {
    cwd: folder,
    timeoutMs: 0,
  });
  const sizes = stdout.split('\n').filter(Boolean).map(Number);
  return {
    memoryBytes: await sizeOfFolder(join(folder, 'images')),
    fileBytes: sizes.reduce((sum, size) => sum + size, 0),
    files: sizes.length,
  };
}

export function withoutMarks(record: ApplicationRecord): CheckpointRecord['application'] {
  const { migration: _, deleting: __, ...application } = record;
  return application;
}
