// Where an application is: what its host tells all others, so that they reach it.
import Type from 'typebox';
import { namePattern } from './protocol.ts';

/** Of two that claim one application, the higher epoch is the newer. */
export const Place = Type.Object({
  application: Type.String({ pattern: namePattern }),
  address: Type.String({ pattern: '^[0-9.]{7,15}$' }),
  mac: Type.String({ pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' }),
  epoch: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});
export type Place = Type.Static<typeof Place>;

/** Those of one host, all of them: what is missing is not there any more. */
export const Places = Type.Array(Place, { maxItems: 10_000 });
