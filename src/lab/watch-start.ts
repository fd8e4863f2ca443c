// Whether a program that was just started has ended instead of answering.

const recognisedAfterMs = 1000;

/**
 * Answers what is asked again and again until the program answers: whether it has ended.
 * @param find the processes of the program; at first they may still be on their way to being recognised, and a program that
 * becomes another one has no arguments for a moment
 */
export function watchStart(find: () => Promise<readonly unknown[]>): () => Promise<boolean> {
  const began = performance.now();
  let missed = 0;
  return async () => {
    missed = (await find()).length === 0 ? missed + 1 : 0;
    return performance.now() - began > recognisedAfterMs && missed > 1;
  };
}
