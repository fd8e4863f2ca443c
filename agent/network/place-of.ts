// What this host tells of an application that is here.
import type { Place } from '../../src/contract/place.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { egressOf } from './egress.ts';

export const placeOf = ({ manifest, address, mac, epoch }: ApplicationRecord, overlay: boolean): Place => {
  const { ports, allow } = manifest.spec.network ?? {};
  const { labels } = manifest.metadata;
  return {
    application: manifest.metadata.name,
    address,
    mac,
    epoch,
    ...(ports ? { ports } : {}),
    ...(allow ? { allow } : {}),
    ...(labels ? { labels } : {}),
    ...(overlay ? { egress: egressOf(manifest) } : {}),
  };
};
