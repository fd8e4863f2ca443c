// `cmig checkpoint export` and `cmig checkpoint import`.
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Checkpoint } from '../../contract/checkpoint.ts';
import { CmigError } from '../../core/errors.ts';
import { findCheckpoint } from '../../orchestrator/checkpoints.ts';
import { findReadyHost } from '../../orchestrator/finding.ts';
import { readInventory } from '../../orchestrator/inventory.ts';
import { formatBytes } from '../../view/formats.ts';
import type { Invocation } from '../command.ts';
import { openInput } from '../open-input.ts';
import { withOrchestrator } from '../session.ts';
import { write } from '../write.ts';

export async function exportCheckpoint(invocation: Invocation): Promise<void> {
  const checkpoint = invocation.required('ID');
  const file = invocation.text('FILE') ?? `${checkpoint}.tar.zst`;
  if (file === '-') return exportToOutput(invocation);
  const bytes = await exportToFile(invocation, file);
  if (invocation.output === 'json') return invocation.printJson({ checkpoint, file, bytes });
  invocation.print(`checkpoint/${checkpoint} exported to ${file}: ${formatBytes(bytes)}`);
}

async function exportToOutput(invocation: Invocation): Promise<void> {
  const { stdout } = invocation;
  if (invocation.interactive)
    throw new CmigError('invalid', 'standard output is a terminal', {
      hint: 'send it into a program or a file, or name a file',
    });
  const bytes = await receive(invocation, (chunk) => write(stdout, chunk));
  invocation.notice(`checkpoint/${invocation.required('ID')} exported: ${formatBytes(bytes)}`);
}

/** Under another name until all of it is on disk. */
async function exportToFile(invocation: Invocation, file: string): Promise<number> {
  if (existsSync(file))
    throw new CmigError('conflict', `${file} exists already`, { hint: 'name another file, or remove it' });
  // From now on an interrupted command removes what it has written.
  void invocation.signal;
  const part = `${file}.part`;
  const output = await open(part, 'w', 0o600).catch((cause) => {
    throw new CmigError('invalid', `${file} cannot be written`, {
      hint: existsSync(dirname(file)) ? undefined : `there is no folder ${dirname(file)}`,
      cause,
    });
  });
  try {
    const bytes = await receive(invocation, (chunk) => output.writeFile(chunk));
    await output.sync();
    await output.close();
    await rename(part, file);
    return bytes;
  } catch (error) {
    await output.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

/** Hands on the archive as its host makes it, and answers its length. @throws CmigError `cancelled` where it is interrupted */
async function receive(invocation: Invocation, take: (chunk: Buffer) => Promise<void>): Promise<number> {
  const checkpoint = invocation.required('ID');
  return withOrchestrator(invocation, async (session) => {
    const [copy] = findCheckpoint(await readInventory(session, { parts: ['checkpoints'] }), checkpoint);
    const { host } = copy!.status;
    const { signal } = invocation;
    const stream = await session.rpc.openStream(host, 'checkpoint.export', { checkpoint }, { signal });
    let bytes = 0;
    for await (const frame of stream) {
      if (frame.type === 'end') return bytes;
      if (frame.type !== 'output') continue;
      const chunk = Buffer.from(frame.data, 'base64');
      await take(chunk);
      bytes += chunk.length;
    }
    throw new CmigError('cancelled', `${checkpoint} was not exported`);
  });
}

export async function importCheckpoint(invocation: Invocation): Promise<void> {
  const file = invocation.required('FILE');
  const host = invocation.required('host');
  const input = openInput(file, invocation.stdin);
  const checkpoint = await withOrchestrator(invocation, async (session) => {
    findReadyHost(await readInventory(session, { parts: ['hosts'] }), host);
    const { signal } = invocation;
    const stream = await session.rpc.openStream(host, 'checkpoint.import', {}, { signal });
    const sending = (async () => {
      for await (const chunk of input) await stream.write(chunk as Buffer);
      await stream.endInput();
    })();
    // What went wrong there is told by the stream.
    sending.catch(() => {});
    for await (const frame of stream)
      if (frame.type === 'output')
        return JSON.parse(Buffer.from(frame.data, 'base64').toString()) as Checkpoint;
    // What is read of a pipe may not come for as long as it likes.
    if (!signal.aborted) await sending;
    throw new CmigError('cancelled', `${file === '-' ? 'standard input' : file} was not imported`);
  });
  if (invocation.output === 'json') return invocation.printJson(checkpoint);
  const { metadata, spec } = checkpoint;
  invocation.print(`checkpoint/${metadata.name} of ${spec.application} imported to ${host}`);
}
