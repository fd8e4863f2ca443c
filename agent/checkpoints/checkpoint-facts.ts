// What is written down of a checkpoint beside its images and files.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointProcess } from '../../src/contract/checkpoint.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { lookAtCode } from '../cpu/look-at-code.ts';
import { readApplicationUse } from '../migration/application-use.ts';
import { dumpCpuInfo, processesOf, readHostFacts } from '../migration/host-facts.ts';
import type { Machine } from '../migration/machine.ts';
import { sizeOfFolder } from '../runtime/progress-watch.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';

/** What is asked for while it still runs, so that the pause does not wait for it. */
export async function factsOf(
  { context, runc }: Machine,
  record: ApplicationRecord,
): Promise<
  Pick<
    CheckpointRecord,
    'architecture' | 'kernel' | 'criu' | 'machine' | 'uses' | 'cpuinfo' | 'code' | 'processes'
  >
> {
  const running = await processesOf({ runc }, record);
  const [machine, cpuinfo, { memoryBytes: _, ...uses }] = await Promise.all([
    readHostFacts(context.programs),
    dumpCpuInfo(context.programs),
    readApplicationUse(running),
  ]);
  const processes: CheckpointProcess[] = [];
  for (const { container, pid } of running.slice(0, 200)) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const [line, status] = await Promise.all([read('cmdline'), read('status')]);
    const command = line.replaceAll('\0', ' ').trim().slice(0, 200);
    const memoryBytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    processes.push({ container, pid, command, memoryBytes });
  }
  const host = { name: context.config.name, env: context.programs.env };
  const code = await lookAtCode(record.manifest, running, host);
  const { architecture, kernel, criu } = machine;
  return { architecture, kernel, criu, machine, uses, cpuinfo, ...(code ? { code } : {}), processes };
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
