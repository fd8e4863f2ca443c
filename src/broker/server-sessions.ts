// The streams that one server has open, by the name of their queue.
import { type Identity, identityText } from '../contract/identity.ts';
import type { Params } from '../contract/methods.ts';
import { CmigError, toFault } from '../core/errors.ts';
import type { BrokerConnection } from './connection.ts';
import { ServerSession, type ServerStream } from './server-session.ts';
import { sessionPattern } from './topology.ts';

export class ServerSessions {
  readonly #connection: BrokerConnection;
  readonly #host: string;
  readonly #onProblem: (error: unknown) => void;
  readonly #sessions = new Map<string, { session: ServerSession; owner: string | undefined }>();

  constructor(connection: BrokerConnection, host: string, onProblem: (error: unknown) => void) {
    this.#connection = connection;
    this.#host = host;
    this.#onProblem = onProblem;
  }

  /**
   * Opens it and lets `run` fill it; its end, or what it throws, is the `end` of the stream unless it sent one.
   * @throws CmigError `invalid` where the name is not that of a session's queue: frames go nowhere else
   */
  async open(
    name: string,
    owner: Identity | undefined,
    run: (stream: ServerStream) => Promise<void>,
  ): Promise<void> {
    if (!sessionPattern.test(name)) throw new CmigError('invalid', `"${name}" is not the name of a session`);
    if (this.#sessions.has(name)) return;
    const session = await ServerSession.open(this.#connection, name);
    this.#sessions.set(name, { session, owner: owner && identityText(owner) });
    void this.#run(name, session, run).catch(this.#onProblem);
  }

  async input(
    { session, data, end, size }: Params<'session.input'>,
    identity: Identity | undefined,
  ): Promise<void> {
    const open = this.#find(session, identity);
    if (!open) throw new CmigError('not-found', `there is no session ${session}: it has ended`);
    if (data) await open.take(Buffer.from(data, 'base64'));
    if (size) open.resize(size);
    if (end) open.endInput();
  }

  close(session: string, identity: Identity | undefined): void {
    this.#find(session, identity)?.abort();
  }

  closeAll(): void {
    for (const { session } of this.#sessions.values()) session.abort();
  }

  /** For whoever has opened it; for others it is not there. */
  #find(name: string, identity: Identity | undefined): ServerSession | undefined {
    const open = this.#sessions.get(name);
    return open?.owner === (identity && identityText(identity)) ? open?.session : undefined;
  }

  async #run(
    name: string,
    session: ServerSession,
    run: (stream: ServerStream) => Promise<void>,
  ): Promise<void> {
    try {
      await run(session);
      await session.send({ type: 'end' });
    } catch (error) {
      await session.send({ type: 'end', fault: toFault(error, this.#host) });
    } finally {
      this.#sessions.delete(name);
      await session.finish();
    }
  }
}
