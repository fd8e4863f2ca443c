// What a manifest means where it says nothing: the one table of defaults, read by both ends.
import type { ApplicationManifest, Container, Readiness, strategyNames } from './application.ts';

/** Durations and sizes as a manifest writes them; core/units.ts turns them into numbers. */
export const containerDefaults = {
  workingDir: '/',
  user: '0:0',
  stopSignal: 'SIGTERM',
  stopTimeout: '10s',
  readOnlyRootFilesystem: false,
} as const;

export const readinessDefaults = { interval: '250ms', timeout: '30s' } as const;

export const logDefaults = { maxSize: '10Mi', maxFiles: 3 } as const;

export const checkpointDefaults = { keep: 5 } as const;

export const applicationDefaults = { restartPolicy: 'Always', strategy: 'auto' } as const;

/** The environment of every container; a manifest's own variables of the same name win. */
export const environmentDefaults: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

type Volumes = NonNullable<Container['volumes']>;

export type CompleteReadiness = Readiness & { interval: string; timeout: string };

/** A container whose every question with a default is answered; `ready` and `resources` may be absent. */
export type CompleteContainer = Omit<Container, 'ready' | 'volumes' | 'log' | 'args'> & {
  /** With all arguments; empty where only the image could tell. */
  command: string[];
  env: { name: string; value: string }[];
  workingDir: string;
  /** Always `uid:gid` where it runs; names only before the image was looked at. */
  user: string;
  volumes: (Volumes[number] & { readOnly: boolean })[];
  ready?: CompleteReadiness;
  dependsOn: string[];
  readOnlyRootFilesystem: boolean;
  stopSignal: string;
  stopTimeout: string;
  log: { maxSize: string; maxFiles: number };
};

export interface CompleteApplication {
  metadata: ApplicationManifest['metadata'];
  spec: Omit<
    ApplicationManifest['spec'],
    'containers' | 'volumes' | 'restartPolicy' | 'checkpoints' | 'migration'
  > & {
    containers: CompleteContainer[];
    volumes: { name: string }[];
    restartPolicy: 'Always' | 'OnFailure' | 'Never';
    checkpoints?: { every: string; keep: number };
    migration: {
      strategy: (typeof strategyNames)[number];
      maxDowntime?: string;
      hostSelector?: Record<string, string>;
    };
  };
}

/** The container as it will run. The argument is not changed. */
export function completeContainer(container: Container): CompleteContainer {
  const {
    ready,
    volumes = [],
    env = [],
    user = containerDefaults.user,
    command = [],
    args = [],
    ...rest
  } = container;
  const named = new Set(env.map((variable) => variable.name));
  const added = Object.entries(environmentDefaults).filter(([name]) => !named.has(name));
  return {
    ...containerDefaults,
    dependsOn: [],
    ...rest,
    command: [...command, ...args],
    user: /^[0-9]+$/.test(user) ? `${user}:${user}` : user,
    env: [...added.map(([name, value]) => ({ name, value })), ...env],
    volumes: volumes.map((volume) => ({ readOnly: false, ...volume })),
    log: { ...logDefaults, ...container.log },
    ...(ready ? { ready: completeReadiness(ready) } : {}),
  };
}

function completeReadiness(ready: Readiness): CompleteReadiness {
  return {
    ...readinessDefaults,
    ...ready,
    ...(ready.http ? { http: { path: '/', ...ready.http } } : {}),
  };
}

/** The application as it will run: its manifest with every default filled in. The argument is not changed. */
export function completeApplication(
  manifest: Pick<ApplicationManifest, 'metadata' | 'spec'>,
): CompleteApplication {
  const { metadata } = manifest;
  const { checkpoints, ...spec } = manifest.spec;
  return {
    metadata,
    spec: {
      ...spec,
      containers: spec.containers.map(completeContainer),
      volumes: spec.volumes ?? [],
      restartPolicy: spec.restartPolicy ?? applicationDefaults.restartPolicy,
      ...(checkpoints ? { checkpoints: { ...checkpointDefaults, ...checkpoints } } : {}),
      migration: { strategy: applicationDefaults.strategy, ...spec.migration },
    },
  };
}
