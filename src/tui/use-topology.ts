// What is known just now; the component is drawn again at every change.
import { useSyncExternalStore } from 'react';
import type { ReadModel } from '../view/read-model/read-model.ts';
import { useSurroundings } from './surroundings.ts';

export function useTopology(): ReadModel {
  const { feed } = useSurroundings();
  return useSyncExternalStore(feed.subscribe, () => feed.state);
}
