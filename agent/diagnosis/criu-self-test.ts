// Does criu, with this runc and this kernel, really dump and restore? One tiny container says so; versions do not tell.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { apiVersion } from '../../src/contract/protocol.ts';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { Machine } from '../migration/machine.ts';
import { ApplicationNetwork, macOf } from '../network/application-network.ts';
import { Checkpoints } from '../runtime/checkpoint.ts';
import { ContainerRuntime } from '../runtime/container-runtime.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import { readProcess } from '../runtime/process-table.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { ImageStore } from '../store/image-store.ts';
import { AgentPaths } from '../store/paths.ts';
import { ok, problem, type Said } from './findings.ts';

export const selfTestApplication = 'cmig-selftest';
const container = 'probe';
const digest = `sha256:${'0'.repeat(64)}`;
/** Of TEST-NET-1 (RFC 5737): its link is never attached to the network. */
const address = '192.0.2.1';
const range = '192.0.2.0/24';

const record: ApplicationRecord = {
  manifest: {
    apiVersion,
    kind: 'Application',
    metadata: { name: selfTestApplication },
    spec: {
      host: 'none',
      // In a loop: a sleep that criu has interrupted may end early, as that of busybox 1.37 does.
      containers: [
        {
          name: container,
          image: 'dir:none',
          command: ['/bin/busybox', 'sh', '-c', 'while /bin/busybox sleep 1000; do :; done'],
        },
      ],
    },
  },
  images: { [container]: digest },
  epoch: 0,
  address,
  mac: macOf(selfTestApplication),
  desired: 'running',
  createdAt: new Date(0).toISOString(),
};

/** Starts, dumps, restores and ends a container with the parts that migrations use; leaves nothing. Takes about 1 s. */
export async function testCriu({ context }: Pick<Machine, 'context'>): Promise<Said> {
  const { config, programs, log } = context;
  // Below the run directory: nothing of it is on the host's disk, or outlives a reboot.
  const folder = join(config.runDirectory, 'self-test');
  const paths = new AgentPaths({ dataDirectory: folder, runDirectory: config.runDirectory });
  const images = new ImageStore(paths);
  // Without a gateway, which is none for this range.
  const network = new ApplicationNetwork({ bridge: config.network.bridge, range });
  const runtime = new ContainerRuntime({ ...context, paths }, images);
  const checkpoints = new Checkpoints(programs, paths, runtime.runc, log);
  const clean = async (): Promise<void> => {
    await runtime.killDumped(selfTestApplication, container);
    await runtime.remove(record, container);
    await network.destroy(selfTestApplication);
    await rm(folder, { recursive: true, force: true });
  };
  const startedAt = performance.now();
  let doing = 'start a container';
  try {
    await clean();
    await makeImage(paths);
    await network.create(selfTestApplication, record, { locked: true });
    await runtime.prepareBundle(record, container);
    const { pid } = await runtime.start(record, container);
    // What criu dumps is the container's program, not runc on its way to it.
    await waitFor(async () => !(await readProcess(pid))?.name.startsWith('runc'), {
      timeoutMs: 30_000,
      intervalMs: 10,
      what: 'the program of the container',
    });
    const memory = join(folder, 'memory');
    doing = 'dump';
    await checkpoints.dumpAndHold(selfTestApplication, container, join(memory, container));
    await checkpoints.conclude(selfTestApplication, container, 'proceed', join(memory, container));
    await runtime.forget(selfTestApplication, container);
    doing = 'restore';
    const restore = new HeldRestore({ runtime, checkpoints, network }, record);
    await restore.restoreAndHold(memory);
    await checkpoints.hold(selfTestApplication, container).release('proceed');
    await restore.settled();
    const state = await runtime.state(selfTestApplication, container);
    if (state?.status !== 'running')
      throw new CmigError('failed', `the restored container is ${state?.status ?? 'gone'}`);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    return ok(`criu dumped and restored a container (${seconds} s)`);
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    return problem(`criu and runc cannot ${doing} here: ${told}`, cureOf(error));
  } finally {
    await clean().catch((error) => log.warn({ err: error }, 'the self-test could not be cleaned up'));
    await images.close();
  }
}

const cureOf = (error: unknown) =>
  codeOf(error) === 'unsupported'
    ? { command: 'apt-get install -y busybox' }
    : {
        hint: 'bring criu and runc to versions that work on this kernel: scripts/setup.sh builds and tries them',
      };

/** An image that holds nothing but busybox and the libraries it wants. */
async function makeImage(paths: AgentPaths): Promise<void> {
  const busybox = await findBusybox();
  const { stdout } = await runProcess('ldd', [busybox], { allowedExitCodes: [0, 1] });
  const libraries = [...stdout.matchAll(/(?:^|\s)(\/[^\s()]+)/gm)].map(([, path]) => path!);
  const rootfs = paths.layerRootfs(digest);
  for (const [from, to] of [[busybox, '/bin/busybox'], ...libraries.map((path) => [path, path])] as const) {
    await mkdir(join(rootfs, dirname(to!)), { recursive: true });
    await copyFile(from!, join(rootfs, to!));
  }
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp', 'run'])
    await mkdir(join(rootfs, name), { recursive: true });
  const layers = [{ digest, sizeBytes: 0 }];
  const image = { digest, sizeBytes: 0, layers, createdAt: record.createdAt };
  await mkdir(paths.image(digest), { recursive: true });
  await writeFile(paths.imageFile(digest), JSON.stringify(image));
}

async function findBusybox(): Promise<string> {
  const { stdout } = await runProcess('sh', ['-c', 'command -v busybox'], { allowedExitCodes: [0, 127, 1] });
  if (stdout.trim()) return stdout.trim();
  throw new CmigError('unsupported', 'busybox is not installed');
}
