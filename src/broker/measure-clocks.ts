// How far the clocks of two hosts are apart, by asking the other one: it answers between the question and its arrival.
import type { RpcClient } from './rpc-client.ts';

export interface Clocks {
  /** How far our clock is ahead of the other one; off by no more than … */
  aheadMs: number;
  uncertainMs: number;
}

export interface ClockReading {
  /** By our clock, ms since the epoch. */
  askedAt: number;
  answeredAt: number;
  /** By theirs. */
  theirs: number;
}

/** The best of a few is taken: what was the shortest time on its way. */
const questions = 4;

/** Ours and that of `host`; undefined where it does not tell. */
export async function measureClocks(rpc: Pick<RpcClient, 'call'>, host: string): Promise<Clocks | undefined> {
  const readings: ClockReading[] = [];
  try {
    for (let question = 0; question < questions; question++) {
      const askedAt = Date.now();
      const { timeMs } = await rpc.call(host, 'host.clock', {}, { timeoutMs: 2000 });
      readings.push({ askedAt, answeredAt: Date.now(), theirs: timeMs });
    }
  } catch {
    // An older agent does not know the question; whoever does not answer is told of elsewhere.
  }
  return clocksOf(readings);
}

export function clocksOf(readings: readonly ClockReading[]): Clocks | undefined {
  const tripOf = ({ askedAt, answeredAt }: ClockReading) => answeredAt - askedAt;
  const [best] = [...readings]
    .filter((each) => tripOf(each) >= 0)
    .sort((one, other) => tripOf(one) - tripOf(other));
  if (!best) return undefined;
  // Each of the three is told in whole milliseconds.
  return {
    aheadMs: (best.askedAt + best.answeredAt) / 2 - best.theirs,
    uncertainMs: tripOf(best) / 2 + 1,
  };
}
