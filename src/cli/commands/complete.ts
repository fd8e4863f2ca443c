// `cmig __complete WORDS…`: one candidate a line, its summary after a tab. Silent whatever happens.
import type { Invocation } from '../command.ts';
import { commands } from '../commands.ts';
import { fitting, offer } from '../completion.ts';
import { completionLimitMs, completionNames } from '../completion-names.ts';

/** Where the machine was so busy that the start alone took that long. */
const leastMs = 150;

export async function run(invocation: Invocation): Promise<number> {
  const found = offer(invocation.texts('WORD'), commands);
  // The shell completes files itself.
  if (found.completes === 'file') invocation.print(':files');
  const { completes } = found;
  if (completes && completes !== 'file') {
    const limit = Promise.withResolvers<string[]>();
    // From the start of this process. What is not known by then is not offered.
    const leftMs = completionLimitMs() - performance.now();
    setTimeout(() => limit.resolve([]), Math.max(leastMs, leftMs)).unref();
    const names = completionNames({ ...found, completes }).catch(() => []);
    const live = await Promise.race([names, limit.promise]);
    const fresh = live.filter((name) => !found.given.includes(name));
    found.candidates.push(
      ...fitting(
        found,
        fresh.map((word) => ({ word })),
      ).candidates,
    );
  }
  for (const { word, summary } of found.candidates)
    invocation.print(summary ? `${found.prefix}${word}\t${summary}` : `${found.prefix}${word}`);
  return 0;
}
