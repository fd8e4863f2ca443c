// A container from its record: bundle, root file system, start, stop and removal. Keeps nothing in memory.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../src/contract/application.ts';
import { completeContainer } from '../../src/contract/defaults.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { parseDurationMs } from '../../src/core/units.ts';
import type { AgentContext } from '../context.ts';
import { emulatedCommand, findEmulator, isEmulated, startedHere } from '../cpu/emulator.ts';
import { findProgramOf } from '../cpu/find-program.ts';
import { refuseArchitecture } from '../cpu/refuse-architecture.ts';
import { refuseProgram } from '../cpu/refuse-program.ts';
import { namespacePath } from '../network/namespace-path.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { writeFileDurably } from '../store/durable-file.ts';
import type { ImageStore } from '../store/image-store.ts';
import { removeApplicationCgroup } from './cgroup-folders.ts';
import { checkpointProcesses } from './checkpoint-processes.ts';
import { Conmon } from './conmon.ts';
import { writeEtcFiles } from './etc-files.ts';
import { makeVolume } from './new-volume.ts';
import { type Emulation, ociBundle } from './oci-bundle.ts';
import { mountOverlay, unmountOverlay } from './overlay.ts';
import { applyPolicy } from './policy.ts';
import { killAll } from './process-table.ts';
import { Runc, type RuncState } from './runc.ts';

/** What tells one process from a later one of the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, from /proc/<pid>/stat. */
  startTime: number;
}

const conmonEndMs = 2000;

export class ContainerRuntime {
  readonly runc: Runc;
  readonly conmon: Conmon;
  readonly #context: Pick<AgentContext, 'config' | 'paths' | 'programs' | 'log'>;
  readonly #images: ImageStore;
  #seccomp: Promise<boolean> | undefined;

  constructor(context: Pick<AgentContext, 'config' | 'paths' | 'programs' | 'log'>, images: ImageStore) {
    this.#context = context;
    this.#images = images;
    this.runc = new Runc(context.programs, context.paths);
    this.conmon = new Conmon(context, this.runc);
  }

  /** Folders, overlay and config.json. May be called again, and must be after a reboot. */
  async prepareBundle(record: ApplicationRecord, containerName: string): Promise<void> {
    const { paths, config } = this.#context;
    const application = record.manifest.metadata.name;
    const container = containerOf(record, containerName);
    const lower = await this.#images.folders(digestOf(record, containerName));
    await mkdir(paths.runtime(application, containerName), { recursive: true, mode: 0o700 });
    await mkdir(paths.runcRoot, { recursive: true, mode: 0o711 });
    const etc = await writeEtcFiles(paths.etc(application), application, {
      address: record.address,
      containers: record.manifest.spec.containers.map(({ name }) => name),
      names: await readFile(paths.namesFile, 'utf8').catch(() => ''),
    });
    await mountOverlay({
      lower,
      links: paths.lowerLinks(application, containerName),
      upper: paths.upper(application, containerName),
      work: paths.overlayWork(application, containerName),
      mountPoint: paths.rootfs(application, containerName),
      noExec: isEmulated(record.manifest),
    });
    const { volumes, user } = completeContainer(container);
    const [uid = 0, gid = 0] = user.split(':').map(Number);
    for (const { name, mountPath } of volumes)
      await makeVolume({
        path: paths.volume(application, name),
        rootfs: paths.rootfs(application, containerName),
        mountPath,
        owner: { uid, gid },
      });
    applyPolicy(record.manifest, config);
    const bundle = ociBundle({
      application,
      container,
      baseline: record.manifest.spec.cpu?.baseline,
      emulation: await this.#emulation(record, containerName),
      rootfs: paths.rootfs(application, containerName),
      networkNamespace: namespacePath(application),
      cgroupsPath: `${config.cgroupParent}/${application}/${containerName}`,
      criuConfigFile: paths.criuConfigFile(application, containerName),
      volumePath: (name) => paths.volume(application, name),
      etc,
      seccomp: await this.#hasSeccomp(),
    });
    await writeFileDurably(
      `${paths.bundle(application, containerName)}/config.json`,
      `${JSON.stringify(bundle, undefined, 1)}\n`,
    );
  }

  /**
   * Makes and starts a container whose bundle is prepared.
   * @throws CmigError `tool-failed` with what runc says; `unsupported` where it is made for another architecture or cannot be held to its baseline
   */
  async start(record: ApplicationRecord, containerName: string): Promise<ProcessIdentity> {
    const { metadata, spec } = record.manifest;
    const application = metadata.name;
    const rootfs = this.#context.paths.rootfs(application, containerName);
    const container = containerOf(record, containerName);
    await refuseArchitecture(rootfs, container, this.#context.config.name);
    if (spec.cpu && !spec.cpu.emulated) await refuseProgram(rootfs, container, spec.cpu);
    const { finished } = await this.conmon.start({
      application,
      container: containerName,
    });
    const { pid } = await finished;
    const identity = await identify(pid);
    try {
      await this.runc.start(application, containerName);
    } catch (error) {
      await this.runc.delete(application, containerName).catch(() => {});
      throw error;
    }
    return identity ?? { pid, startTime: 0 };
  }

  /**
   * Restores a container from criu's images; its bundle is prepared and criu.conf written. Returns as soon as that has
   * begun: `finished` settles when the restored processes run, which criu's post-restore hook may hold back, and
   * rejects with `tool-failed` and the errors of criu's log.
   */
  async restoreWithConmon(
    record: ApplicationRecord,
    containerName: string,
    images: { imagesDirectory: string; workDirectory: string },
  ): Promise<{ finished: Promise<{ pid: number }> }> {
    await mkdir(images.workDirectory, { recursive: true });
    return this.conmon.start({
      application: record.manifest.metadata.name,
      container: containerName,
      restore: images,
    });
  }

  /** Asks the container to end, and kills it where it does not in time. Its remains stay with runc. */
  async stop(record: ApplicationRecord, containerName: string): Promise<void> {
    const application = record.manifest.metadata.name;
    const { stopSignal, stopTimeout } = completeContainer(containerOf(record, containerName));
    const state = await this.runc.state(application, containerName);
    if (!state || state.status === 'stopped') return;
    if (state.status === 'paused') await this.runc.resume(application, containerName);
    if (!(await this.runc.kill(application, containerName, stopSignal))) return;
    const end = performance.now() + parseDurationMs(stopTimeout);
    while (performance.now() < end) {
      if (!(await isRunning(state))) return;
      await sleep(20);
    }
    await this.runc.kill(application, containerName, 'SIGKILL');
    const given = performance.now() + 10_000;
    while (await isRunning(state)) {
      if (performance.now() > given)
        throw new CmigError(
          'failed',
          `${containerName} of ${application} does not die, not even by SIGKILL`,
          {
            hint: 'one of its processes hangs in the kernel',
          },
        );
      await sleep(20);
    }
  }

  /**
   * Kills what is in the cgroup of an application that an agent before this one may have begun to dump, and the criu of this
   * container first: what a criu holds does not die as long as that lives, not even by SIGKILL.
   */
  async killDumped(application: string, containerName: string): Promise<void> {
    const { paths, config } = this.#context;
    killAll(await checkpointProcesses({ paths, runc: this.runc }, application, containerName));
    await removeApplicationCgroup(config.cgroupParent, application);
  }

  /** Kills what is left of a container, and lets runc and conmon forget it. */
  async forget(application: string, containerName: string): Promise<void> {
    await this.runc.delete(application, containerName);
    // Its conmon still writes the exit file, which must not be taken for the next container's.
    const end = performance.now() + conmonEndMs;
    while (performance.now() < end && (await this.conmon.pid(application, containerName)) !== undefined)
      await sleep(10);
  }

  /** Removes what runs and what is mounted of a container; its files stay. Nothing is an error that is gone already. */
  async remove(record: ApplicationRecord, containerName: string): Promise<void> {
    const { paths } = this.#context;
    const application = record.manifest.metadata.name;
    await this.forget(application, containerName);
    await unmountOverlay(paths.rootfs(application, containerName));
    await rm(paths.runtime(application, containerName), { recursive: true, force: true });
    await rm(paths.exitFile(application, containerName), { force: true });
    await rm(paths.socketLink(application, containerName), { force: true });
  }

  /** Removes a container's writable layer and log, so that it begins anew. It must have been removed before. */
  async wipe(application: string, containerName: string): Promise<void> {
    await rm(this.#context.paths.container(application, containerName), { recursive: true, force: true });
  }

  state(application: string, containerName: string): Promise<RuncState | undefined> {
    return this.runc.state(application, containerName);
  }

  /** How a container is emulated; undefined where it is not. Its root file system is mounted. */
  async #emulation(record: ApplicationRecord, containerName: string): Promise<Emulation | undefined> {
    const { paths, programs, config } = this.#context;
    const { metadata, spec } = record.manifest;
    if (!spec.cpu?.emulated) return undefined;
    const container = containerOf(record, containerName);
    const found = await findProgramOf(container, paths.rootfs(metadata.name, containerName));
    const { command } = completeContainer(container);
    if (!found) throw new CmigError('failed', `container ${containerName}: ${command[0]}: no such file`);
    return {
      program: await findEmulator(programs.env, config.name),
      args: emulatedCommand(found.argv, spec.cpu.baseline),
      variable: await startedHere(),
    };
  }

  /** Asked once; a runc without seccomp, or a kernel without it, is worth a warning. */
  async #hasSeccomp(): Promise<boolean> {
    this.#seccomp ??= (async () => {
      const { stdout } = await runProcess(this.#context.programs.runc, ['features']);
      const features = JSON.parse(stdout) as { linux?: { seccomp?: { enabled?: boolean } } };
      const enabled = features.linux?.seccomp?.enabled === true;
      if (!enabled)
        this.#context.log.warn('this runc has no seccomp: containers run without a system call filter');
      return enabled;
    })();
    return this.#seccomp;
  }
}

/** @throws CmigError `not-found` */
export function containerOf(record: ApplicationRecord, name: string): Container {
  const container = record.manifest.spec.containers.find((each) => each.name === name);
  if (!container)
    throw new CmigError('not-found', `${record.manifest.metadata.name} has no container ${name}`, {
      hint: `it has ${record.manifest.spec.containers.map((each) => each.name).join(', ')}`,
    });
  return container;
}

function digestOf(record: ApplicationRecord, name: string): string {
  const digest = record.images[name];
  if (!digest) throw new CmigError('invalid', `the digest of the image of container ${name} is not given`);
  return digest;
}

/** @returns undefined where there is no such process (a zombie is none) */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (!(pid > 0)) return undefined;
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name stands in parentheses and may hold anything, spaces and parentheses included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTime: Number(fields[19]) };
}

/** Does this very process live? */
export async function isSame(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== undefined && (identity.startTime === 0 || now.startTime === identity.startTime);
}

const isRunning = async (state: RuncState): Promise<boolean> => (await identify(state.pid)) !== undefined;
