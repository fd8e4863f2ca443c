// How hosts are listed and described.
import type { Host } from '../../contract/host.ts';
import type { Field } from '../description.ts';
import { formatAgeOf, formatBytes, formatRate } from '../formats.ts';
import { formatLabels, type KindView } from './kind-view.ts';

const unknown = '<unknown>';
const text = (value: string | number | undefined) => (value === undefined ? unknown : String(value));
const bytes = (value: number | undefined) => (value === undefined ? unknown : formatBytes(value));
const yesOrNo = (value: boolean | undefined) => (value === undefined ? undefined : value ? 'yes' : 'no');
const lastSeen = ({ status }: Host) => {
  if (status.condition === 'Ready') return 'now';
  return status.lastSeen === undefined ? unknown : `${formatAgeOf(status.lastSeen)} ago`;
};

function clockText({ clock }: Host['status']): string | undefined {
  if (!clock) return undefined;
  const apartMs = Math.abs(clock.aheadMs);
  const unsure = `${Math.ceil(clock.uncertainMs)} ms`;
  if (apartMs <= clock.uncertainMs) return `that of this machine, to ${unsure}`;
  const way = clock.aheadMs > 0 ? 'ahead of' : 'behind';
  return `${(apartMs / 1000).toFixed(apartMs < 1000 ? 3 : 1)} s ${way} this machine (± ${unsure})`;
}

const day = (time: string | undefined) => time?.slice(0, 10);

/** As kubectl writes it: `Ready`, `Ready,SchedulingDisabled`. */
const conditionOf = ({ spec, status }: Host) =>
  `${status.condition}${spec.unschedulable ? ',SchedulingDisabled' : ''}`;

export const hostView: KindView<Host> = {
  kind: 'Host',
  singular: 'host',
  plural: 'hosts',
  shortNames: [],
  columns: [
    { header: 'NAME', value: (item) => item.metadata.name },
    { header: 'STATUS', value: conditionOf },
    { header: 'ADDRESS', value: (item) => item.spec.address },
    { header: 'APPLICATIONS', value: (item) => text(item.status.applications) },
    { header: 'CORES', value: (item) => text(item.status.cores) },
    { header: 'MEMORY', value: (item) => bytes(item.status.memoryBytes) },
    { header: 'SEEN', value: lastSeen },
    { header: 'AGE', value: (item) => formatAgeOf(item.status.startedAt) },
    { header: 'VERSION', value: (item) => text(item.status.agentVersion) },
  ],
  wideColumns: [
    { header: 'ARCHITECTURE', value: (item) => text(item.status.architecture) },
    { header: 'KERNEL', value: (item) => text(item.status.kernel) },
    { header: 'CRIU', value: (item) => text(item.status.criu) },
    { header: 'RUNC', value: (item) => text(item.status.runc) },
    { header: 'CGROUP', value: (item) => text(item.status.cgroupVersion) },
    { header: 'CERTIFICATE UNTIL', value: (item) => day(item.status.certificateExpiresAt) ?? '-' },
    { header: 'LABELS', value: (item) => formatLabels(item.metadata.labels) },
  ],
  describe,
};

function describe({ metadata, spec, status }: Host): Field[] {
  const { statistics } = status;
  return [
    ['Name', metadata.name],
    ['Labels', Object.entries(metadata.labels).map(([key, value]) => `${key}=${value}`)],
    ['Status', status.condition],
    ['Unschedulable', spec.unschedulable ? 'true (cordoned)' : 'false'],
    ['Message', status.message],
    ['Address', spec.address],
    ['SSH port', String(spec.sshPort)],
    ['Application range', text(status.applicationNetwork)],
    [
      'Last seen',
      status.lastSeen === undefined ? undefined : `${status.lastSeen} (${formatAgeOf(status.lastSeen)} ago)`,
    ],
    ['Certificate until', day(status.certificateExpiresAt)],
    ['Applications', text(status.applications)],
    [
      'Agent',
      [
        ['Version', text(status.agentVersion)],
        ['Protocol', text(status.protocolVersion)],
        [
          'Started',
          status.startedAt === undefined
            ? unknown
            : `${status.startedAt} (${formatAgeOf(status.startedAt)} ago)`,
        ],
      ],
    ],
    [
      'Machine',
      [
        ['Operating system', text(status.operatingSystem)],
        ['Kernel', text(status.kernel)],
        ['Architecture', text(status.architecture)],
        ['Page size', status.pageSizeBytes === undefined ? undefined : formatBytes(status.pageSizeBytes)],
        ['Security module', status.securityModule],
        ['Time namespaces', yesOrNo(status.timeNamespaces)],
        ['Clock', clockText(status)],
        ['IPv6', yesOrNo(status.ipv6)],
        ['Cgroup version', text(status.cgroupVersion)],
        ['criu', text(status.criu)],
        ['runc', text(status.runc)],
        ['Cores', text(status.cores)],
        ['Memory', `${bytes(status.memoryAvailableBytes)} available of ${bytes(status.memoryBytes)}`],
        ['Disk', `${bytes(status.diskAvailableBytes)} available of ${bytes(status.diskBytes)}`],
      ],
    ],
    [
      'Load',
      statistics && [
        ['CPU', `${Math.round(statistics.cpu * 100)} %`],
        ['Memory used', formatBytes(statistics.memoryUsedBytes)],
        ['Received', formatRate(statistics.receivedBytesPerSecond)],
        ['Sent', formatRate(statistics.sentBytesPerSecond)],
      ],
    ],
  ];
}
