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
      // Each keyword counts for one of the two types only.
      Type.Unsafe<'all' | string[]>({
        type: ['array', 'string'],
        pattern: '^all$',
        items: { type: 'string', pattern: namePattern, description: 'The name of a host, or all.' },
        minItems: 1,
        maxItems: 64,
        description: 'The hosts that answer at it, or all; all if absent.',
      }),
    ),
  },
  { additionalProperties: false, description: 'A port that hosts forward, wherever the application is.' },
);
export type PublishedPort = Type.Static<typeof PublishedPort>;

type Hosts = Pick<PublishedPort, 'hosts'>;
const isOnAll = ({ hosts = 'all' }: Hosts): boolean => hosts === 'all' || hosts.includes('all');
export const publishesOn = (port: Hosts, host: string): boolean =>
  isOnAll(port) || (port.hosts?.includes(host) ?? false);

/** Such as `8080/tcp`. */
export const hostPortText = ({ hostPort, protocol = 'tcp' }: PublishedPort): string =>
  `${hostPort}/${protocol}`;

/** Whether both want the same port of one host. */
export const collide = (a: PublishedPort, b: PublishedPort): boolean =>
  a.hostPort === b.hostPort &&
  (a.protocol ?? 'tcp') === (b.protocol ?? 'tcp') &&
  (isOnAll(a) || isOnAll(b) || [...(a.hosts ?? [])].some((host) => publishesOn(b, host)));
