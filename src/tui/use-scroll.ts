// Moving through a text that is longer than the screen.
import { useState } from 'react';

export interface Scroll {
  /** How many lines are above. */
  from: number;
  /** Whether this key moved it. */
  onKey(key: string): boolean;
}

/** @param atEnd begins at the end, and stays there while lines are added, until one moves away from it */
export function useScroll(length: number, rows: number, atEnd = false): Scroll {
  const [wanted, setWanted] = useState<number | 'end'>(atEnd ? 'end' : 0);
  const most = Math.max(0, length - rows);
  const from = wanted === 'end' ? most : Math.min(wanted, most);
  const page = Math.max(1, rows - 1);
  const by = (lines: number): void =>
    setWanted((before) => {
      const next = Math.max(0, (before === 'end' ? most : Math.min(before, most)) + lines);
      return atEnd && next >= most ? 'end' : Math.min(next, most);
    });
  return {
    from,
    onKey(key) {
      if (key === 'up' || key === 'k') by(-1);
      else if (key === 'down' || key === 'j') by(1);
      else if (key === 'pageup' || key === 'b') by(-page);
      else if (key === 'pagedown' || key === ' ') by(page);
      else if (key === 'home' || key === 'g') setWanted(0);
      else if (key === 'end' || key === 'G') setWanted(atEnd ? 'end' : most);
      else return false;
      return true;
    },
  };
}
