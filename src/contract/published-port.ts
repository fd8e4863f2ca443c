// A port of an application that hosts answer at, wherever the application is.
import Type from 'typebox';
import { namePattern } from './protocol.ts';

const Port = (description: string) => Type.Integer({ minimum: 1, maximum: 65535, description });

export const PublishedPort = Type.Object(
  {
    port: Port('The port of the application.'),
    hostPort: Port('The port of the hosts.'),
    protocol: Type.Optional(Type.Enum(['tcp', 'udp'], { description: 'tcp if absent.' })),
    hosts: Type.Optional(
      Type.Array(Type.String({ pattern: namePattern, description: 'The name of a host, or all.' }), {
        minItems: 1,
        maxItems: 64,
        description: 'The hosts that answer at it; all if absent.',
      }),
    ),
  },
  { additionalProperties: false, description: 'A port that hosts forward, wherever the application is.' },
);
export type PublishedPort = Type.Static<typeof PublishedPort>;

export const publishesOn = ({ hosts = ['all'] }: Pick<PublishedPort, 'hosts'>, host: string): boolean =>
  hosts.includes('all') || hosts.includes(host);

/** Whether both want the same port of one host. */
export const collide = (a: PublishedPort, b: PublishedPort): boolean =>
  a.hostPort === b.hostPort &&
  (a.protocol ?? 'tcp') === (b.protocol ?? 'tcp') &&
  (a.hosts ?? ['all']).some((host) => host === 'all' || publishesOn(b, host) || b.hosts?.includes('all'));
