// A client that asks again as soon as it was answered, on one connection that it never opens again.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RequestTarget {
  host: string;
  port: number;
  request: string;
  /** What each answer is, from its beginning to its end; it may come in pieces. */
  answer: RegExp;
}

export class RequestLoop {
  readonly #socket: Socket;
  #text = '';
  readonly problems: string[] = [];
  answers = 0;

  private constructor(socket: Socket, { request, answer }: RequestTarget) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.#text += String(text);
      if (!answer.test(this.#text)) return;
      this.#text = '';
      this.answers += 1;
      setTimeout(() => socket.write(request), 10);
    });
    socket.on('error', (error) =>
      this.problems.push(`the connection broke after ${this.answers} answers: ${error.message}`),
    );
    socket.on('end', () =>
      this.problems.push(`the server closed the connection after ${this.answers} answers`),
    );
    socket.write(request);
  }

  static async open(target: RequestTarget): Promise<RequestLoop> {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    await once(socket, 'connect');
    return new RequestLoop(socket, target);
  }

  /** Resolves once `count` more answers have come. @throws where they do not within the time */
  async more(count: number, timeoutMs = 60_000): Promise<void> {
    const wanted = this.answers + count;
    const end = performance.now() + timeoutMs;
    while (this.answers < wanted) {
      if (performance.now() > end)
        throw new Error(
          `stuck at ${this.answers} answers and ${JSON.stringify(this.#text.slice(0, 400))} ${this.problems}`,
        );
      await sleep(20);
    }
  }

  close(): void {
    this.#socket.removeAllListeners('end');
    this.#socket.destroy();
  }
}
