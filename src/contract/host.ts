// The Host: a Linux machine with an agent.
import Type from 'typebox';
import { securityModules } from './machine.ts';
import { addressPattern, apiVersion, namePattern } from './protocol.ts';

/** What every agent knows of every host; the newest `version` (milliseconds since the epoch) wins. */
export const HostRecord = Type.Object({
  name: Type.String({ pattern: namePattern }),
  address: Type.String({ pattern: '^[0-9a-fA-F:.]+$' }),
  sshPort: Type.Integer({ minimum: 1, maximum: 65535 }),
  /** `ssh-ed25519 AAAA…`: pinned by every peer. */
  sshHostKey: Type.String({ pattern: '^[a-z0-9-]+ [A-Za-z0-9+/=]+$' }),
  /** The public half of the key with which this host sends to its peers. */
  transferKey: Type.String({ pattern: '^[a-z0-9-]+ [A-Za-z0-9+/=]+$' }),
  labels: Type.Record(Type.String(), Type.String()),
  protocolVersion: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  /** Cordoned: it takes no further application. */
  unschedulable: Type.Optional(Type.Boolean()),
  /** Its own address among the applications; absent where they share a segment with the hosts. */
  overlay: Type.Optional(
    Type.Object({
      address: Type.String({ pattern: addressPattern }),
      /** WireGuard's public key; absent where nothing is encrypted. */
      key: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' })),
    }),
  ),
  /** It was removed: what is kept is only that this is so, lest an older record bring it back. */
  gone: Type.Optional(Type.Boolean()),
  version: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});
export type HostRecord = Type.Static<typeof HostRecord>;

/** A record with when its host was last heard by the agent that answers. */
export const KnownHost = Type.Object({ ...HostRecord.properties, lastSeen: Type.String() });
export type KnownHost = Type.Static<typeof KnownHost>;

export const HostStatistics = Type.Object({
  /** Busy share of all cores, 0 to 1, over the last interval. */
  cpu: Type.Number(),
  memoryUsedBytes: Type.Integer(),
  receivedBytesPerSecond: Type.Number(),
  sentBytesPerSecond: Type.Number(),
});
export type HostStatistics = Type.Static<typeof HostStatistics>;

export const ContainerStatistics = Type.Object({
  application: Type.String(),
  container: Type.String(),
  /** Cores in use, over the last interval. */
  cpu: Type.Number(),
  memoryBytes: Type.Integer(),
  pids: Type.Integer(),
});
export type ContainerStatistics = Type.Static<typeof ContainerStatistics>;

export const Host = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal('Host'),
  metadata: Type.Object({ name: Type.String(), labels: Type.Record(Type.String(), Type.String()) }),
  spec: Type.Object({
    address: Type.String(),
    sshPort: Type.Integer(),
    /** True where it was cordoned: what runs there stays, and nothing else comes. */
    unschedulable: Type.Optional(Type.Boolean()),
  }),
  status: Type.Object({
    condition: Type.Enum(['Ready', 'NotReady', 'Incompatible']),
    /** Why it is not ready. */
    message: Type.Optional(Type.String()),
    lastSeen: Type.Optional(Type.String()),
    /** Absent below where the host did not answer. */
    agentVersion: Type.Optional(Type.String()),
    protocolVersion: Type.Optional(Type.Integer()),
    /** RFC 3339; absent where the broker is known without certificates. */
    certificateExpiresAt: Type.Optional(Type.String()),
    startedAt: Type.Optional(Type.String()),
    operatingSystem: Type.Optional(Type.String()),
    kernel: Type.Optional(Type.String()),
    architecture: Type.Optional(Type.String()),
    criu: Type.Optional(Type.String()),
    runc: Type.Optional(Type.String()),
    cgroupVersion: Type.Optional(Type.Integer()),
    pageSizeBytes: Type.Optional(Type.Integer()),
    /** Its kernel has time namespaces, so that monotonic clocks are carried along. */
    timeNamespaces: Type.Optional(Type.Boolean()),
    /** The one that gives processes their labels. */
    securityModule: Type.Optional(Type.Enum([...securityModules])),
    ipv6: Type.Optional(Type.Boolean()),
    /** How far it is ahead of (below 0: behind) the clock of who asks, as measured then; off by `uncertainMs` at most. */
    clock: Type.Optional(Type.Object({ aheadMs: Type.Number(), uncertainMs: Type.Number() })),
    cores: Type.Optional(Type.Integer()),
    memoryBytes: Type.Optional(Type.Integer()),
    memoryAvailableBytes: Type.Optional(Type.Integer()),
    diskBytes: Type.Optional(Type.Integer()),
    diskAvailableBytes: Type.Optional(Type.Integer()),
    /** The range applications' addresses are taken from, in CIDR notation. */
    applicationNetwork: Type.Optional(Type.String()),
    applications: Type.Optional(Type.Integer()),
    statistics: Type.Optional(HostStatistics),
  }),
});
export type Host = Type.Static<typeof Host>;
