// Where an application is: what its host tells all others, so that they reach it.
import Type from 'typebox';
import { AllowedClient } from './allowed-client.ts';
import { addressPattern, namePattern } from './protocol.ts';
import { PublishedPort } from './published-port.ts';

/** Of two that claim one application the higher epoch is the newer, and counts once the other host has agreed or has gone. */
export const Place = Type.Object({
  application: Type.String({ pattern: namePattern }),
  address: Type.String({ pattern: addressPattern }),
  mac: Type.String({ pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' }),
  epoch: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  ports: Type.Optional(Type.Array(PublishedPort, { maxItems: 64 })),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  /** Who may connect; everybody if absent. */
  allow: Type.Optional(Type.Array(AllowedClient, { maxItems: 256 })),
  /** The host through which it reaches the world. */
  egress: Type.Optional(Type.String({ pattern: namePattern })),
  /** The host to which it is being handed over, and whose claim to it is true from now on. */
  to: Type.Optional(Type.String({ pattern: namePattern })),
});
export type Place = Type.Static<typeof Place>;

/** As one host knows it of all. */
export const KnownPlace = Type.Object({ ...Place.properties, host: Type.String({ pattern: namePattern }) });
export type KnownPlace = Type.Static<typeof KnownPlace>;

/** Those of one host, all of them: what is missing is not there any more. */
export const Places = Type.Array(Place, { maxItems: 10_000 });
