// The Application: the unit that is deployed, stopped, checkpointed and migrated as one.
import Type from 'typebox';
import { AllowedClient } from './allowed-client.ts';
import { CpuDemand } from './cpu-baseline.ts';
import { addressPattern, apiVersion, namePattern } from './protocol.ts';
import { PublishedPort } from './published-port.ts';
import { strategyNames } from './strategy-names.ts';

const strict = { additionalProperties: false };
const Name = (description: string) => Type.String({ pattern: namePattern, description });
const Duration = (description: string) =>
  Type.String({
    pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$',
    description: `${description} (such as 500ms, 10s, 5m).`,
  });
const Port = (description: string) => Type.Integer({ minimum: 1, maximum: 65535, description });
const Labels = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9][-A-Za-z0-9_./]{0,252}$' }),
  Type.String({ maxLength: 253 }),
  {
    ...strict,
    description: 'Free key-value pairs to select by.',
  },
);
/** Absolute, without empty, `.` or `..` segments. */
const absolutePath = '^/(?!.*//)(?!.*(^|/)\\.{1,2}(/|$)).*$';

export const Readiness = Type.Object(
  {
    tcp: Type.Optional(Port('Ready when this port accepts a connection.')),
    exec: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'Ready when this command, run in the container, exits with 0.',
      }),
    ),
    http: Type.Optional(
      Type.Object(
        {
          port: Port('The port to ask.'),
          path: Type.Optional(Type.String({ pattern: '^/', description: 'The path to ask; / if absent.' })),
        },
        { ...strict, description: 'Ready when a GET is answered with a status of 200 to 399.' },
      ),
    ),
    interval: Type.Optional(
      Duration('Time between two probes until it is ready, afterwards 5s or more; 250ms if absent'),
    ),
    timeout: Type.Optional(Duration('How long the container may take to become ready; 30s if absent')),
  },
  {
    ...strict,
    minProperties: 1,
    description: 'How to tell that a container is ready; exactly one of tcp, exec, http.',
  },
);
export type Readiness = Type.Static<typeof Readiness>;

export const Container = Type.Object(
  {
    name: Name('The name of the container, unique within the application.'),
    image: Type.String({
      pattern: '^((dir|tar|oci|docker-archive):.+|docker://.+)$',
      description:
        'A root file system, as a folder (dir:PATH) or an archive (tar:PATH), or an image that says what to run: oci:DIR[:TAG], docker-archive:FILE[:NAME:TAG], docker://NAME[:TAG]. Paths are relative to the manifest; @sha256:… after oci: or docker:// pins it.',
    }),
    command: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description:
          "The program and its arguments; no shell is involved. Stands for the image's entrypoint and command; may be absent where the image has them.",
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String(), {
        description: "Arguments after command, or after the image's entrypoint; the image's own if absent.",
      }),
    ),
    env: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({
              pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
              description: 'The name of the variable.',
            }),
            value: Type.String({ description: 'Its value, taken literally.' }),
          },
          strict,
        ),
        { description: "Environment variables; they win over the image's." },
      ),
    ),
    workingDir: Type.Optional(
      Type.String({
        pattern: absolutePath,
        description: "The working directory; the image's, or / if absent.",
      }),
    ),
    user: Type.Optional(
      Type.String({
        pattern: '^([0-9]+|[A-Za-z_][-A-Za-z0-9_.]*\\$?)(:([0-9]+|[A-Za-z_][-A-Za-z0-9_.]*\\$?))?$',
        description:
          "User or user:group to run as, each a number or a name of the image's /etc/passwd and /etc/group. A number alone means uid:uid, a name alone its own group. The image's user, or 0:0 if absent.",
      }),
    ),
    groups: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 4_294_967_294 }), {
        maxItems: 64,
        description: "Further groups of the process, by gid; those of a user's name if absent.",
      }),
    ),
    exposedPorts: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9]{1,5}/(tcp|udp|sctp)$' }), {
        description:
          "Where it listens, for people to read (such as 80/tcp): every port of the application's address can be reached. The image's if absent.",
      }),
    ),
    volumes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Name('The name of a volume of spec.volumes.'),
            mountPath: Type.String({
              pattern: absolutePath,
              description: 'Where it appears in the container.',
            }),
            readOnly: Type.Optional(Type.Boolean({ description: 'Mounted read-only; false if absent.' })),
          },
          strict,
        ),
        { description: 'Volumes of the application that this container sees.' },
      ),
    ),
    ready: Type.Optional(Readiness),
    dependsOn: Type.Optional(
      Type.Array(Name('The name of another container.'), {
        description: 'Containers that must be ready before this one is started.',
      }),
    ),
    resources: Type.Optional(
      Type.Object(
        {
          cpu: Type.Optional(
            Type.String({
              pattern: '^([0-9]+m|[0-9]+(\\.[0-9]+)?)$',
              description: 'Cores, such as 0.5 or 500m.',
            }),
          ),
          memory: Type.Optional(
            Type.String({
              pattern: '^[0-9]+(Ki|Mi|Gi|k|M|G)?$',
              description: 'Bytes, such as 256Mi or 1Gi.',
            }),
          ),
          pids: Type.Optional(Type.Integer({ minimum: 1, description: 'Processes and threads at most.' })),
        },
        { ...strict, description: 'What the container may use at most.' },
      ),
    ),
    capabilities: Type.Optional(
      Type.Object(
        {
          add: Type.Optional(
            Type.Array(Type.String({ pattern: '^(CAP_)?[A-Z_]+$' }), { description: 'Capabilities to add.' }),
          ),
          drop: Type.Optional(
            Type.Array(Type.String({ pattern: '^(CAP_)?[A-Z_]+$' }), {
              description: 'Capabilities to drop; ALL drops all.',
            }),
          ),
        },
        { ...strict, description: "Changes to the default capabilities (Docker's)." },
      ),
    ),
    readOnlyRootFilesystem: Type.Optional(
      Type.Boolean({ description: 'The root file system cannot be written.' }),
    ),
    stopSignal: Type.Optional(
      Type.String({
        pattern: '^SIG[A-Z0-9]+$',
        description: "How it is asked to stop; the image's signal, or SIGTERM if absent.",
      }),
    ),
    stopTimeout: Type.Optional(Duration('How long it may take to stop before SIGKILL; 10s if absent')),
    log: Type.Optional(
      Type.Object(
        {
          maxSize: Type.Optional(
            Type.String({
              pattern: '^[0-9]+(Ki|Mi|Gi|k|M|G)?$',
              description: 'A log file is rotated at this size; 10Mi if absent.',
            }),
          ),
          maxFiles: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 100, description: 'Rotated files kept; 3 if absent.' }),
          ),
        },
        { ...strict, description: 'Rotation of the log.' },
      ),
    ),
  },
  { ...strict, description: 'One container.' },
);
export type Container = Type.Static<typeof Container>;

export { strategyNames };

export const ApplicationSpec = Type.Object(
  {
    host: Name('Where it first runs; afterwards only migrate moves it.'),
    network: Type.Optional(
      Type.Object(
        {
          address: Type.Optional(
            Type.String({
              pattern: addressPattern,
              description: 'The IPv4 address, which moves with it; chosen if absent.',
            }),
          ),
          ports: Type.Optional(
            Type.Array(PublishedPort, {
              maxItems: 64,
              description: 'Ports that hosts forward to it, wherever it is.',
            }),
          ),
          allow: Type.Optional(
            Type.Array(AllowedClient, {
              maxItems: 256,
              description: 'Who may open connections to it; everybody if absent, nobody if empty.',
            }),
          ),
          egress: Type.Optional(
            Name(
              'The host through which its connections to the world go, in an overlay, so that they survive its moves; the host where it first ran if absent.',
            ),
          ),
        },
        { ...strict, description: 'The network of the application, shared by its containers.' },
      ),
    ),
    cpu: Type.Optional(CpuDemand),
    containers: Type.Array(Container, {
      minItems: 1,
      maxItems: 64,
      description: 'The containers, at least one.',
    }),
    volumes: Type.Optional(
      Type.Array(Type.Object({ name: Name('The name of the volume.') }, strict), {
        description: 'Volumes of the application; they move with it.',
      }),
    ),
    restartPolicy: Type.Optional(
      Type.Enum(['Always', 'OnFailure', 'Never'], {
        description: 'What happens when a container ends by itself; Always if absent.',
      }),
    ),
    checkpoints: Type.Optional(
      Type.Object(
        {
          every: Duration('How often its host takes a checkpoint of it'),
          keep: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 1000,
              description: 'How many of these are kept, the newest; 5 if absent.',
            }),
          ),
        },
        { ...strict, description: 'Checkpoints that are taken by themselves.' },
      ),
    ),
    migration: Type.Optional(
      Type.Object(
        {
          strategy: Type.Optional(
            Type.Enum([...strategyNames], { description: 'How it moves; auto if absent.' }),
          ),
          maxDowntime: Type.Optional(Duration('The pause that is aimed at')),
          hostSelector: Type.Optional(
            Type.Record(Type.String(), Type.String(), {
              description: 'Labels of the hosts among which `cmig drain` chooses; all hosts if absent.',
            }),
          ),
        },
        { ...strict, description: 'Preferences for migrations.' },
      ),
    ),
  },
  { ...strict, description: 'What is wanted.' },
);
export type ApplicationSpec = Type.Static<typeof ApplicationSpec>;

export const Metadata = Type.Object(
  {
    name: Name('The name of the application, unique among all hosts.'),
    labels: Type.Optional(Labels),
    annotations: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Free notes; not selected by.' }),
    ),
  },
  { ...strict, description: 'What identifies it.' },
);

/** What a user writes. */
export const ApplicationManifest = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion, { description: 'The version of this schema.' }),
    kind: Type.Literal('Application', { description: 'The kind of resource.' }),
    metadata: Metadata,
    spec: ApplicationSpec,
  },
  { ...strict, description: 'One or more containers that are deployed, stopped and migrated as one.' },
);
export type ApplicationManifest = Type.Static<typeof ApplicationManifest>;

export const containerStates = ['Waiting', 'Running', 'Frozen', 'Exited', 'Unknown'] as const;
export const applicationPhases = [
  'Deploying', // images, namespaces, first start
  'Running', // all containers run, all are ready
  'NotReady', // all run or are about to be restarted, some are not ready
  'Migrating', // a migration is under way, this host is its source
  'Incoming', // a migration is under way, this host is its destination: nothing runs here yet
  'Checkpointing', // it stands still for a moment while it is captured
  'Restoring', // it is being set back to a checkpoint
  'Stopped', // by request
  'Exited', // all containers ended and are not restarted
  'Failed', // could not be started; message says why
] as const;

export const ContainerStatus = Type.Object({
  name: Type.String(),
  image: Type.String({ description: 'The digest of the image, sha256:…' }),
  state: Type.Enum([...containerStates]),
  ready: Type.Boolean(),
  pid: Type.Optional(Type.Integer()),
  restarts: Type.Integer(),
  startedAt: Type.Optional(Type.String({ description: 'RFC 3339' })),
  exitedAt: Type.Optional(Type.String()),
  exitCode: Type.Optional(Type.Integer()),
  message: Type.Optional(Type.String()),
});
export type ContainerStatus = Type.Static<typeof ContainerStatus>;

export const ApplicationStatus = Type.Object({
  host: Type.String(),
  phase: Type.Enum([...applicationPhases]),
  /** The fencing number: raised by one at every move. */
  epoch: Type.Integer(),
  address: Type.String(),
  mac: Type.String(),
  containers: Type.Array(ContainerStatus),
  createdAt: Type.String(),
  /** The id of the migration under way. */
  migration: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
});
export type ApplicationStatus = Type.Static<typeof ApplicationStatus>;

/** An application as an agent reports it. */
export const Application = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal('Application'),
  metadata: Metadata,
  spec: ApplicationSpec,
  status: ApplicationStatus,
});
export type Application = Type.Static<typeof Application>;
