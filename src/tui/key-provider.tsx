// Takes the keys from the terminal and hands them out one at a time.
import { useInput } from 'ink';
import { type ReactNode, useCallback, useRef } from 'react';
import { keyNames } from './key-names.ts';
import { KeysContext, type OnKey } from './use-keys.ts';

export function KeyProvider({ children }: { children: ReactNode }) {
  const hearing = useRef(new Set<OnKey>());
  const waiting = useRef<string[]>([]);
  const handing = useRef(false);
  const register = useCallback((onKey: OnKey) => {
    hearing.current.add(onKey);
    return () => void hearing.current.delete(onKey);
  }, []);
  useInput((input, key) => {
    waiting.current.push(...keyNames(input, key));
    if (handing.current) return;
    handing.current = true;
    const next = (): void => {
      const name = waiting.current.shift();
      handing.current = name !== undefined;
      if (name === undefined) return;
      for (const onKey of [...hearing.current]) onKey(name);
      // What this key has changed must be drawn before the next one means anything.
      setImmediate(next);
    };
    next();
  });
  return <KeysContext value={register}>{children}</KeysContext>;
}
