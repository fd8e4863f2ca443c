// A client that holds one TCP connection on which the server sends one number a line, and checks that none is missing.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StreamTarget {
  host: string;
  port: number;
  /** Asked for by HTTP on the same connection; without it the numbers come by themselves. */
  path?: string;
}

export class NumberedStream {
  readonly #socket: Socket;
  #rest = '';
  #inBody: boolean;
  #lastAt = performance.now();
  /** The newest number; the first is 1. */
  last = 0;
  /** Numbers that did not follow their predecessor, and what became of the connection. */
  readonly problems: string[] = [];
  /** The longest time between two numbers since resetGap(). */
  longestGapMs = 0;

  private constructor(socket: Socket, inBody: boolean) {
    this.#socket = socket;
    this.#inBody = inBody;
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#take(String(text)));
    socket.on('error', (error) =>
      this.problems.push(`the connection broke after ${this.last}: ${error.message}`),
    );
    socket.on('end', () => this.problems.push(`the server closed the connection after ${this.last}`));
  }

  static async open({ host, port, path }: StreamTarget): Promise<NumberedStream> {
    const socket = connect({ host, port, noDelay: true });
    const stream = new NumberedStream(socket, path === undefined);
    await once(socket, 'connect');
    if (path !== undefined) socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return stream;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  resetGap(): void {
    this.longestGapMs = 0;
    this.#lastAt = performance.now();
  }

  /** Resolves once `count` more numbers have come. @throws where they do not within the time, or cannot any more */
  async more(count: number, timeoutMs = 60_000): Promise<void> {
    const wanted = this.last + count;
    const end = performance.now() + timeoutMs;
    while (this.last < wanted) {
      const stuck = `stuck at ${this.last} ${this.problems}`;
      if (this.#socket.destroyed) throw new Error(`no number ${wanted}: ${stuck}`);
      if (performance.now() > end) throw new Error(`no number ${wanted} within ${timeoutMs} ms: ${stuck}`);
      await sleep(20);
    }
  }

  close(): void {
    this.#socket.removeAllListeners('end');
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#rest += text;
    if (!this.#inBody) {
      const head = this.#rest.indexOf('\r\n\r\n');
      if (head < 0) return;
      this.#rest = this.#rest.slice(head + 4);
      this.#inBody = true;
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const number = Number.parseInt(line, 10);
      if (number !== this.last + 1) this.problems.push(`${number} came after ${this.last}`);
      this.last = number;
      const now = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt);
      this.#lastAt = now;
    }
  }
}
