// What all components of the view share: where the state comes from, what can be done, and what can be drawn.
import { createContext, useContext } from 'react';
import { type Glyphs, glyphs } from '../view/glyphs.ts';
import type { LiveModel } from '../view/read-model/live-model.ts';
import type { TopologyActions } from './actions.ts';

export interface Surroundings {
  feed: Pick<LiveModel, 'state' | 'subscribe'>;
  actions: TopologyActions;
  /** The name of the context whose broker this is. */
  context: string;
  color: boolean;
  unicode: boolean;
}

const SurroundingsContext = createContext<Surroundings | undefined>(undefined);
export const SurroundingsProvider = SurroundingsContext.Provider;

export function useSurroundings(): Surroundings & { glyphs: Glyphs } {
  const surroundings = useContext(SurroundingsContext);
  if (!surroundings) throw new Error('a component of the view stands outside of it');
  return { ...surroundings, glyphs: glyphs(surroundings.unicode) };
}
