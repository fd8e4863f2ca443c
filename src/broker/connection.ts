// A connection to RabbitMQ that says why it cannot be had and, for those who live long, comes back by itself.
import { type Channel, type ChannelModel, type ConfirmChannel, connect, credentials } from 'amqplib';
import { validUntil } from '../core/certificate.ts';
import { CmigError } from '../core/errors.ts';
import { type BrokerTarget, parseBrokerUrl } from './broker-target.ts';
import { readTls, type Tls, type TlsFiles } from './broker-tls.ts';
import { connectionLost, explainConnectFailure } from './connect-error.ts';

export type BrokerState = 'connected' | 'disconnected' | 'closed';

export interface ConnectOptions {
  /** amqp://host:port/vhost or amqps://…; user and password in it yield to `credentials`. */
  url: string;
  credentials?: { user: string; password: string } | undefined;
  /** Who we are by certificate, instead of `credentials`. */
  tls?: TlsFiles | undefined;
  /** Without TLS a broker may be on this machine only, unless this says that its network is ours alone. */
  insecure?: boolean | undefined;
  /** Shown in the broker's list of connections. */
  name: string;
  /** Come back for ever after a loss; the first connection fails fast all the same. */
  reconnect?: boolean;
  /** How long the first connection and each later attempt may take; 5000 if absent. */
  timeoutMs?: number;
  onState?: (state: BrokerState, error?: CmigError) => void;
  /** Something went wrong that the connection survives, such as a channel that the broker closed. */
  onProblem?: (error: Error) => void;
}

/** Called at once and after every reconnection; where it throws, the connection is dropped and tried again. */
export type ConnectedCallback = () => Promise<void> | void;

const firstDelayMs = 100;
const longestDelayMs = 1000;

/** Opens a connection. @throws CmigError `unreachable` that tells nobody there, wrong password and no such vhost apart. */
export async function connectBroker(options: ConnectOptions): Promise<BrokerConnection> {
  const connection = new BrokerConnection(options);
  await connection.open();
  return connection;
}

/**
 * For those who must live without a broker, such as an agent at the start of its machine: answers at once with a
 * connection that comes up when it can. What hinders it is told to `onProblem`.
 */
export function connectBrokerWhenPossible(options: ConnectOptions): BrokerConnection {
  const connection = new BrokerConnection({ ...options, reconnect: true });
  connection.openWhenPossible();
  return connection;
}

interface Registration {
  callback: ConnectedCallback;
}

export class BrokerConnection {
  readonly name: string;
  /** host:port, for messages. */
  readonly endpoint: string;
  readonly reconnects: boolean;
  /**
   * Whom the broker vouches for, by our certificate: `operator.bob`. With every message it then says who has sent it, and
   * what there is of queues and exchanges is given. Undefined without certificates: anybody may be anybody.
   */
  readonly user: string | undefined;
  readonly #options: ConnectOptions;
  readonly #target: BrokerTarget;
  #tls: Tls | undefined;
  readonly #registrations = new Set<Registration>();
  readonly #lossListeners = new Set<(error: CmigError) => void>();
  #model: ChannelModel | undefined;
  #ready = false;
  #closed = false;
  #blockedBy: string | undefined;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#tls = options.tls && readTls(options.tls);
    this.#target = parseBrokerUrl(options.url, { ...options, tls: this.#tls });
    this.user = this.#tls?.user;
    this.name = options.name;
    this.endpoint = this.#target.address.endpoint;
    this.reconnects = options.reconnect ?? false;
  }

  /** True while messages can be sent. */
  get connected(): boolean {
    return this.#ready;
  }

  /** Until when the certificate is valid by which we are known. */
  get validUntil(): Date | undefined {
    return this.#options.tls && validUntil(this.#options.tls.certificate);
  }

  /** Why the broker takes no messages for the time being (it is short of memory or disk), if so. */
  get blockedBy(): string | undefined {
    return this.#blockedBy;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Used by connectBroker. */
  async open(): Promise<void> {
    try {
      await this.#openModel();
    } catch (error) {
      this.#closed = true;
      throw explainConnectFailure(error, this.#target.address, this.#tls);
    }
  }

  /** Used by connectBrokerWhenPossible. */
  openWhenPossible(): void {
    this.#openModel().catch((error) => {
      this.#options.onProblem?.(explainConnectFailure(error, this.#target.address, this.#tls));
      this.#schedule();
    });
  }

  /**
   * A new channel of the present connection. It never raises an unhandled `error`: its end is told to `onProblem` and by
   * the channel's `close` event. A `quiet` one is for what may fail: who uses it handles that.
   * @throws CmigError `unreachable` while there is no connection
   */
  async channel({ quiet = false } = {}): Promise<Channel> {
    return this.#guard(await this.#opened((model) => model.createChannel()), quiet);
  }

  /** The same, with publisher confirms. */
  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#guard(await this.#opened((model) => model.createConfirmChannel()));
  }

  /**
   * Registers what must be declared on every connection, runs it now, and after each reconnection in the order of
   * registration. Answers how to take it back.
   */
  async onConnected(callback: ConnectedCallback): Promise<() => void> {
    const registration = { callback };
    if (this.#ready) await callback();
    if (this.#closed) throw this.#lost();
    this.#registrations.add(registration);
    return () => void this.#registrations.delete(registration);
  }

  /** Called each time the connection goes, also at `close`. Answers how to take it back. */
  onLost(listener: (error: CmigError) => void): () => void {
    this.#lossListeners.add(listener);
    return () => void this.#lossListeners.delete(listener);
  }

  /** Settles when messages can be sent. @throws CmigError `unreachable` where that cannot come, or not in time */
  async whenConnected(timeoutMs?: number): Promise<void> {
    if (this.#ready) return;
    if (this.#closed || !this.reconnects) throw this.#lost();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiters.push(waiter);
      if (timeoutMs === undefined) return;
      timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(this.#lost());
      }, timeoutMs);
    }).finally(() => clearTimeout(timer));
  }

  /** Ends the connection for good; does not throw. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const model = this.#model;
    this.#model = undefined;
    const error = new CmigError('cancelled', `the connection to the broker at ${this.endpoint} was closed`);
    this.#tellLost(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.#options.onState?.('closed');
    if (model) await orGone(model, () => model.close()).catch(() => {});
  }

  #lost(cause?: unknown): CmigError {
    return connectionLost(this.endpoint, cause);
  }

  async #opened<C extends Channel>(open: (model: ChannelModel) => Promise<C>): Promise<C> {
    const model = this.#model;
    if (!model) throw this.#lost();
    return open(model).catch((error) => {
      throw this.#model === model ? error : this.#lost(error);
    });
  }

  #guard<C extends Channel>(channel: C, quiet = false): C {
    channel.on('error', (error) => {
      if (!quiet) this.#options.onProblem?.(error);
    });
    // amqplib's way out for what a consumer throws; without it the channel is closed.
    channel.on('handler-error', (error) => this.#options.onProblem?.(error));
    const close = channel.close.bind(channel);
    channel.close = () => orGone(channel, close);
    if (this.user !== undefined) signMessages(channel, this.user);
    return channel;
  }

  async #openModel(): Promise<void> {
    const { name, timeoutMs = 5000, tls } = this.#options;
    // Anew each time: meanwhile another certificate may have been put there.
    if (tls) this.#tls = readTls(tls);
    const model = await connect(this.#target.settings, {
      noDelay: true,
      keepAlive: true,
      timeout: timeoutMs,
      ...(this.#tls ? { ...this.#tls, credentials: credentials.external() } : {}),
      clientProperties: { connection_name: name, product: 'cmig' },
    });
    let failure: Error | undefined;
    model.on('error', (error) => {
      failure = error;
    });
    model.on('handler-error', (error) => this.#options.onProblem?.(error));
    model.on('blocked', (reason) => {
      this.#blockedBy = String(reason);
      this.#options.onProblem?.(new Error(`the broker takes no messages: ${reason}`));
    });
    model.on('unblocked', () => {
      this.#blockedBy = undefined;
    });
    model.on('close', (error) => this.#modelEnded(model, error ?? failure));
    if (this.#closed) {
      await orGone(model, () => model.close()).catch(() => {});
      return;
    }
    this.#model = model;
    try {
      // The set itself and not a copy of it: who registers meanwhile has his turn too.
      for (const { callback } of this.#registrations) await callback();
    } catch (error) {
      this.#model = undefined;
      await orGone(model, () => model.close()).catch(() => {});
      throw error;
    }
    if (this.#model !== model) throw this.#lost(failure);
    this.#ready = true;
    this.#attempt = 0;
    this.#options.onState?.('connected');
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  #modelEnded(model: ChannelModel, cause: unknown): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    if (!this.#ready) return; // still in openModel, which tells
    const error = this.#lost(cause);
    this.#tellLost(error);
    this.#options.onState?.('disconnected', error);
    if (this.reconnects) this.#schedule();
    else this.#closed = true;
  }

  #tellLost(error: CmigError): void {
    this.#ready = false;
    this.#blockedBy = undefined;
    for (const listener of [...this.#lossListeners]) listener(error);
  }

  #schedule(): void {
    if (this.#closed) return;
    const longest = Math.min(firstDelayMs * 2 ** this.#attempt++, longestDelayMs);
    // Half of it is chance, so that many agents do not come back in one moment.
    this.#timer = setTimeout(
      () => {
        this.#openModel().catch((error) => {
          this.#options.onProblem?.(explainConnectFailure(error, this.#target.address, this.#tls));
          this.#schedule();
        });
      },
      longest / 2 + (Math.random() * longest) / 2,
    );
  }
}

/** Closes it. Where the connection goes before the broker has answered, amqplib would leave it at that for ever. */
const orGone = (it: Channel | ChannelModel, close: () => Promise<void>): Promise<void> =>
  Promise.race([new Promise<void>((resolve) => it.once('close', () => resolve())), close()]);

/** With every message goes who we are, which the broker checks: what it lets through is what it vouches for. */
function signMessages(channel: Channel, userId: string): void {
  const publish = channel.publish.bind(channel) as (...args: unknown[]) => boolean;
  channel.publish = (exchange, key, content, options, ...rest: unknown[]) =>
    publish(exchange, key, content, { ...options, userId }, ...rest);
}
