// `cmig checkpoint export` and `cmig checkpoint import`.
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RpcStream } from '../../broker/rpc-stream.ts';
import type { Checkpoint } from '../../contract/checkpoint.ts';
import { CmigError } from '../../core/errors.ts';
import { findCheckpoint } from '../../orchestrator/checkpoints.ts';
import { findReadyHost } from '../../orchestrator/finding.ts';
import { readInventory } from '../../orchestrator/inventory.ts';
import { formatBytes } from '../../view/formats.ts';
import type { Invocation } from '../command.ts';
import { openInput } from '../open-input.ts';
import { withOrchestrator } from '../session.ts';

export async function exportCheckpoint(invocation: Invocation): Promise<void> {
  const checkpoint = invocation.required('ID');
  const file = invocation.text('FILE') ?? `${checkpoint}.tar.zst`;
  if (existsSync(file))
    throw new CmigError('conflict', `${file} exists already`, { hint: 'name another file, or remove it' });
  const part = `${file}.part`;
  const bytes = await withOrchestrator(invocation, async (session) => {
    const [copy] = findCheckpoint(await readInventory(session, { parts: ['checkpoints'] }), checkpoint);
    const { signal } = invocation;
    const stream = await session.rpc.openStream(copy!.status.host, 'checkpoint.export', { checkpoint });
    closeWhenAborted(stream, signal);
    const output = await open(part, 'w', 0o600).catch((cause) => {
      throw new CmigError('invalid', `${file} cannot be written`, {
        hint: existsSync(dirname(file)) ? undefined : `there is no folder ${dirname(file)}`,
        cause,
      });
    });
    let written = 0;
    try {
      let ended = false;
      for await (const frame of stream) {
        ended ||= frame.type === 'end';
        if (frame.type !== 'output') continue;
        written += (await output.write(Buffer.from(frame.data, 'base64'))).bytesWritten;
      }
      if (!ended) throw new CmigError('cancelled', `${checkpoint} was not exported`);
      await output.sync();
      await output.close();
      await rename(part, file);
      return written;
    } catch (error) {
      await output.close().catch(() => {});
      await rm(part, { force: true });
      throw error;
    }
  });
  if (invocation.output === 'json') return invocation.printJson({ checkpoint, file, bytes });
  invocation.print(`checkpoint/${checkpoint} exported to ${file}: ${formatBytes(bytes)}`);
}

export async function importCheckpoint(invocation: Invocation): Promise<void> {
  const file = invocation.required('FILE');
  const host = invocation.required('host');
  const input = openInput(file, invocation.stdin);
  const checkpoint = await withOrchestrator(invocation, async (session) => {
    findReadyHost(await readInventory(session, { parts: ['hosts'] }), host);
    // Asked for first: the host has begun before it is known here.
    const { signal } = invocation;
    const stream = await session.rpc.openStream(host, 'checkpoint.import', {});
    const closing = closeWhenAborted(stream, signal);
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
    await closing();
    throw new CmigError('cancelled', `${file === '-' ? 'standard input' : file} was not imported`);
  });
  if (invocation.output === 'json') return invocation.printJson(checkpoint);
  const { metadata, spec } = checkpoint;
  invocation.print(`checkpoint/${metadata.name} of ${spec.application} imported to ${host}`);
}

/** @returns what waits until the host knows of it. */
function closeWhenAborted(stream: RpcStream, signal: AbortSignal): () => Promise<void> {
  let closed = Promise.resolve();
  const close = (): void => {
    closed = stream.close();
  };
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
  return () => closed;
}
