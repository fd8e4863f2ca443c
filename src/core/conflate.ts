// Values that come faster than they can be worked off, of which only the latest counts.

/**
 * Makes of `work` what does it one at a time: values that come meanwhile give way to the last of them, which is worked off
 * next. What is returned settles when nothing is left to do, and rejects with what `work` threw at the last value.
 */
export function conflate<T>(work: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let next: { value: T } | undefined;
  let working: Promise<void> | undefined;
  const workOff = async (): Promise<void> => {
    let failure: { error: unknown } | undefined;
    while (next) {
      const { value } = next;
      next = undefined;
      failure = await work(value).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
    }
    working = undefined;
    if (failure) throw failure.error;
  };
  return (value) => {
    next = { value };
    working ??= workOff();
    return working;
  };
}
