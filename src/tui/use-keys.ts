// Hears the keys that the view is sent, one after the other.
import { createContext, useContext, useLayoutEffect } from 'react';

export type OnKey = (key: string) => void;

/** Registers who hears keys; answers how to take it back. */
export const KeysContext = createContext<(onKey: OnKey) => () => void>(() => () => {});

/** Calls with the name of each key (see keyNames), always with what was drawn last. */
export function useKeys(onKey: OnKey): void {
  const register = useContext(KeysContext);
  useLayoutEffect(() => register(onKey), [register, onKey]);
}
