// How applications are listed and described.
import type { AllowedClient } from '../../contract/allowed-client.ts';
import type { Application, ContainerStatus } from '../../contract/application.ts';
import type { CompleteContainer } from '../../contract/defaults.ts';
import { completeApplication } from '../../contract/defaults.ts';
import type { PublishedPort } from '../../contract/published-port.ts';
import type { Field } from '../description.ts';
import { formatAgeOf } from '../formats.ts';
import { formatLabels, type KindView } from './kind-view.ts';

const readyCount = ({ status }: Application) =>
  `${status.containers.filter((container) => container.ready).length}/${status.containers.length}`;

const restarts = ({ status }: Application) =>
  String(status.containers.reduce((sum, container) => sum + container.restarts, 0));

export const applicationView: KindView<Application> = {
  kind: 'Application',
  singular: 'application',
  plural: 'applications',
  shortNames: ['app', 'apps'],
  columns: [
    { header: 'NAME', value: (item) => item.metadata.name },
    { header: 'READY', value: readyCount },
    { header: 'STATUS', value: (item) => item.status.phase },
    { header: 'HOST', value: (item) => item.status.host },
    { header: 'ADDRESS', value: (item) => item.status.address },
    { header: 'RESTARTS', value: restarts },
    { header: 'AGE', value: (item) => formatAgeOf(item.status.createdAt) },
  ],
  wideColumns: [
    { header: 'EPOCH', value: (item) => String(item.status.epoch) },
    { header: 'MAC', value: (item) => item.status.mac },
    { header: 'CONTAINERS', value: (item) => item.spec.containers.map(({ name }) => name).join(',') },
    { header: 'IMAGES', value: (item) => item.status.containers.map(({ image }) => short(image)).join(',') },
    { header: 'LABELS', value: (item) => formatLabels(item.metadata.labels) },
  ],
  describe,
};

/** `sha256:0123456789ab`: enough to tell images apart. */
const short = (digest: string) => digest.slice(0, 'sha256:'.length + 12);

function describe(item: Application): Field[] {
  const { metadata, spec } = completeApplication(item);
  const { status } = item;
  return [
    ['Name', metadata.name],
    ['Labels', Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`)],
    ['Annotations', Object.entries(metadata.annotations ?? {}).map(([key, value]) => `${key}: ${value}`)],
    ['Status', status.phase],
    ['Message', status.message],
    ['Host', status.host],
    ['First host', spec.host],
    ['Address', status.address],
    ['MAC', status.mac],
    ['Published', spec.network?.ports?.map(describePort)],
    ['Allowed', spec.network?.allow && describeAllowed(spec.network.allow)],
    ['Egress', spec.network?.egress],
    ['Epoch', String(status.epoch)],
    ['Migration', status.migration],
    ['Checkpoints', spec.checkpoints && `every ${spec.checkpoints.every}, ${spec.checkpoints.keep} kept`],
    ['CPU baseline', spec.cpu?.baseline],
    ['Strategy', spec.migration.strategy],
    ['Max downtime', spec.migration.maxDowntime],
    ['Host selector', formatLabels(spec.migration.hostSelector) || undefined],
    ['Restart policy', spec.restartPolicy],
    ['Created', `${status.createdAt} (${formatAgeOf(status.createdAt)} ago)`],
    ['Volumes', spec.volumes.map(({ name }) => name)],
    [
      'Containers',
      spec.containers.map((container): Field => {
        const state = status.containers.find(({ name }) => name === container.name);
        return [container.name, describeContainer(container, state)];
      }),
    ],
  ];
}

const describePort = ({ port, hostPort, protocol = 'tcp', hosts = ['all'] }: PublishedPort): string =>
  `${protocol} ${hostPort} of ${hosts.includes('all') ? 'all hosts' : [...hosts].join(', ')} to ${port}`;

const describeAllowed = (clients: readonly AllowedClient[]): string[] =>
  clients.length === 0
    ? ['nobody']
    : clients.map(({ application, labels, cidr }) =>
        application ? `application ${application}` : (cidr ?? `applications with ${formatLabels(labels)}`),
      );

function describeContainer(container: CompleteContainer, state: ContainerStatus | undefined): Field[] {
  const { resources, ready } = container;
  return [
    ['Image', container.image],
    ['Digest', state?.image],
    ['Command', container.command.map(quoted).join(' ')],
    ['State', state?.state ?? 'Unknown'],
    ['Message', state?.message],
    ['Ready', state?.ready ? 'True' : 'False'],
    ['Process', state?.pid === undefined ? undefined : String(state.pid)],
    ['Restarts', String(state?.restarts ?? 0)],
    ['Started', state?.startedAt],
    ['Exited', state?.exitedAt],
    ['Exit code', state?.exitCode === undefined ? undefined : String(state.exitCode)],
    ['User', container.user],
    ['Groups', container.groups?.join(', ')],
    ['Exposed ports', container.exposedPorts?.join(', ')],
    ['Working dir', container.workingDir],
    ['Depends on', container.dependsOn.length > 0 ? container.dependsOn.join(', ') : undefined],
    ['Readiness', ready ? describeReadiness(ready) : undefined],
    ['Limits', resources ? formatLabels(stringified(resources)).replaceAll(',', ', ') : undefined],
    ['Environment', container.env.map(({ name, value }) => `${name}=${value}`)],
    [
      'Mounts',
      container.volumes.map(
        ({ name, mountPath, readOnly }) => `${mountPath} from ${name} (${readOnly ? 'ro' : 'rw'})`,
      ),
    ],
  ];
}

function describeReadiness(ready: NonNullable<CompleteContainer['ready']>): string {
  const probe =
    ready.tcp !== undefined
      ? `tcp port ${ready.tcp}`
      : ready.http
        ? `http GET port ${ready.http.port} ${ready.http.path ?? '/'}`
        : `exec ${(ready.exec ?? []).map(quoted).join(' ')}`;
  return `${probe}, every ${ready.interval}, within ${ready.timeout}`;
}

const stringified = (values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

/** An argument as a person would have to write it in a shell; only shown, never run. */
const quoted = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
