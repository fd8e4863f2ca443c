// The client's end of a stream: frames come in a queue of its own, input goes as requests.
import type { ConsumeMessage } from 'amqplib';
import type { Fault } from '../contract/fault.ts';
import { Frame, type StreamMethodName } from '../contract/methods.ts';
import type { TerminalSize } from '../contract/terminal.ts';
import { conflate } from '../core/conflate.ts';
import { CmigError, codeOf, fromFault } from '../core/errors.ts';
import { AsyncQueue } from './async-queue.ts';
import { decode, newId } from './codec.ts';
import { connectionLost } from './connect-error.ts';
import type { RpcClient } from './rpc-client.ts';
import { fits } from './schema-check.ts';
import { sessionQueue, sessionSilenceMs } from './topology.ts';
import { isFromHost } from './vouched.ts';

/** Frames up to and with `end`; where the stream ends with a fault, iterating throws it. */
export interface RpcStream extends AsyncIterable<Frame> {
  /** Input for the process at the other end; settles when the host has taken it. Pieces keep their order. */
  write(bytes: Uint8Array): Promise<void>;
  /** The client's terminal has another size. Does not throw, and waits for no input. */
  resize(size: TerminalSize): Promise<void>;
  /** No more input. */
  endInput(): Promise<void>;
  /** Ends the stream at both ends; does not throw. */
  close(): Promise<void>;
}

export interface StreamOptions {
  /** Aborted, also while the stream is being opened: it is closed. */
  signal?: AbortSignal | undefined;
}

const framesInFlight = 128;
const inputPieceBytes = 256 * 1024;

export async function openRpcStream(
  rpc: RpcClient,
  host: string,
  method: StreamMethodName,
  params: object,
  { signal }: StreamOptions = {},
): Promise<RpcStream> {
  const { connection } = rpc;
  const session = sessionQueue(newId());
  const channel = await connection.channel();
  const frames = new AsyncQueue<{ frame: Frame; taken: () => void }>();
  let closed = false;
  let over = false;
  let inputs: Promise<unknown> = Promise.resolve();
  let silence: NodeJS.Timeout | undefined;

  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      // With a full queue nothing more is delivered: that is the reader's doing.
      if (frames.length > 0) return heard();
      const error = new CmigError('unreachable', `${host} has gone silent in the middle of ${method}`, {
        host,
      });
      void finish(error);
    }, sessionSilenceMs);
  };
  const finish = async (error?: CmigError): Promise<void> => {
    clearTimeout(silence);
    if (error) frames.fail(error);
    else frames.end();
    if (closed) return;
    closed = true;
    stopListening();
    signal?.removeEventListener('abort', abort);
    await channel.close().catch(() => {});
  };
  const abort = (): void => void close();
  const stopListening = connection.onLost((error) => void finish(error));
  channel.on('close', () => void finish(connectionLost(connection.endpoint)));

  const receive = (message: ConsumeMessage | null): void => {
    if (closed) return;
    if (!message) return void finish(connectionLost(connection.endpoint));
    if (!isFromHost(connection, message.properties, host)) return void channel.ack(message);
    heard();
    if (message.properties.type === 'beat') {
      channel.ack(message);
      return;
    }
    let frame: unknown;
    try {
      frame = decode(message.content);
      if (!fits(Frame, frame)) throw new CmigError('failed', `${host} sent a malformed frame`, { host });
    } catch (error) {
      return void finish(error as CmigError);
    }
    if ((frame as Frame).type === 'end') {
      over = true;
      clearTimeout(silence);
    }
    frames.push({
      frame: frame as Frame,
      taken: () => {
        if (!closed) channel.ack(message);
      },
    });
  };

  const input = (params: { data?: string; end?: boolean }): Promise<void> => {
    const sent = inputs.then(async () => {
      if (closed || over) return;
      // No time limit: the process at the other end may not read for as long as it likes.
      const taken = rpc.call(host, 'session.input', { session, ...params }, { timeoutMs: 0 });
      await taken.catch((error) => {
        if (codeOf(error) !== 'not-found') throw error; // it has just ended, and needs no input
      });
    });
    inputs = sent.catch(() => {});
    return sent;
  };

  try {
    // It goes with its reader; where that never came, after a minute.
    await channel.assertQueue(session, { durable: true, autoDelete: true, expires: 60_000 });
    await channel.prefetch(framesInFlight);
    await channel.consume(session, receive);
    await rpc.request(host, method, { ...params, session });
    if (!closed && !over) heard();
  } catch (error) {
    await finish();
    throw error;
  }

  let closing: Promise<void> | undefined;
  // Whoever closes it waits until the host knows.
  const close = (): Promise<void> => {
    closing ??= (async () => {
      if (closed) return;
      await finish();
      if (over || !connection.connected) return;
      await rpc.call(host, 'session.close', { session }, { timeoutMs: 2000 }).catch(() => {});
    })();
    return closing;
  };
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();

  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const { frame, taken } of frames) {
          taken();
          if (frame.type === 'end' && frame.fault) throw fromFault({ host, ...(frame.fault as Fault) });
          yield frame;
          if (frame.type === 'end') return;
        }
      } finally {
        await close();
      }
    },
    async write(bytes) {
      for (let start = 0; start < bytes.length; start += inputPieceBytes) {
        await input({ data: Buffer.from(bytes.subarray(start, start + inputPieceBytes)).toString('base64') });
      }
    },
    // One at a time: only so does the last one come last.
    resize: conflate(async (size) => {
      if (!closed && !over) await rpc.call(host, 'session.input', { session, size }).catch(() => {});
    }),
    endInput: () => input({ end: true }),
    close,
  };
}
