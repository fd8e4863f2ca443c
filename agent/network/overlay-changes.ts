// What of the overlay's entries has to change: whom packets for an address are for, and behind which host that is.

export interface Entry {
  address: string;
  mac: string;
  /** The host behind which it is. */
  via: string;
}

export interface OverlayChanges {
  changed: Entry[];
  gone: Entry[];
  /** Addresses that nobody has any more. */
  deserted: string[];
  /** Addresses that others may have had before: who has spoken with them would go on sending to those. */
  taken: string[];
}

/** Both by MAC. */
export function overlayChanges(
  before: ReadonlyMap<string, Entry>,
  wanted: ReadonlyMap<string, Entry>,
  removing: boolean,
): OverlayChanges {
  const changed = [...wanted.values()].filter(({ mac, address, via }) => {
    const known = before.get(mac);
    return known?.via !== via || known.address !== address;
  });
  const gone = removing ? [...before.values()].filter(({ mac }) => !wanted.has(mac)) : [];
  const left = [...gone, ...changed.flatMap(({ mac }) => before.get(mac) ?? [])].map(
    ({ address }) => address,
  );
  const inUse = new Set([...wanted.values()].map(({ address }) => address));
  return {
    changed,
    gone,
    deserted: [...new Set(left)].filter((address) => !inUse.has(address)),
    taken: changed
      .filter(({ mac, address }) => before.get(mac)?.address !== address)
      .map(({ address }) => address),
  };
}
