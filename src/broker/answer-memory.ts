// Remembers what was asked and answered, so that a request that comes twice is done once.
import { hash } from 'node:crypto';
import type { MethodName } from '../contract/methods.ts';
import { CmigError } from '../core/errors.ts';
import type { Answer } from './codec.ts';

export interface Remembered {
  method: MethodName;
  fingerprint: string;
  /** Settles with the answer (for a long method: with its end); never rejects. */
  answer: Promise<Answer>;
  /** The answer, once there. */
  settled?: Answer;
}

/** The last `limit` answers, and everything that is under way. */
export class AnswerMemory {
  readonly #limit: number;
  readonly #entries = new Map<string, Remembered>();
  #settled = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(id: string): Remembered | undefined {
    return this.#entries.get(id);
  }

  /** @throws CmigError `conflict` where the id stood for another request */
  find(id: string, content: Buffer): Remembered | undefined {
    const found = this.#entries.get(id);
    if (found && found.fingerprint !== fingerprintOf(content)) {
      throw new CmigError('conflict', `the request id ${id} was used for another request (${found.method})`);
    }
    return found;
  }

  add(id: string, method: MethodName, content: Buffer, answer: Promise<Answer>): Remembered {
    const entry: Remembered = { method, fingerprint: fingerprintOf(content), answer };
    this.#entries.set(id, entry);
    void answer.then((settled) => {
      entry.settled = settled;
      this.#settled++;
      if (this.#settled > this.#limit) this.#forgetOldest();
    });
    return entry;
  }

  /** As if it had never been asked. */
  forget(id: string): void {
    if (this.#entries.get(id)?.settled) this.#settled--;
    this.#entries.delete(id);
  }

  #forgetOldest(): void {
    for (const [id, { settled }] of this.#entries) {
      if (!settled) continue;
      this.forget(id);
      return;
    }
  }
}

const fingerprintOf = (content: Buffer): string => hash('sha1', content, 'base64');
