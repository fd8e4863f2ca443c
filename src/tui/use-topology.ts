// What is known just now; the component is drawn again at every change.
import { useSyncExternalStore } from 'react';
import type { TopologyState } from '../view/topology/topology-state.ts';
import { useSurroundings } from './surroundings.ts';

export function useTopology(): TopologyState {
  const { feed } = useSurroundings();
  return useSyncExternalStore(feed.subscribe, () => feed.state);
}
