// Which key an unknown one may have meant.
import { didYouMean, nearNames } from '../core/near-names.ts';
import { shown } from './problems.ts';
import { manifestSchema, type SchemaNode, schemaPlaces } from './schema-node.ts';

/** What other tools (Kubernetes, Compose, Podman) call what we have under another name. */
const otherNames: Readonly<Record<string, string>> = {
  cmd: 'args',
  entrypoint: 'command',
  cwd: 'workingDir',
  environment: 'env',
  healthcheck: 'ready',
  readinessProbe: 'ready',
  restart: 'restartPolicy',
  limits: 'resources',
  cpus: 'cpu',
  mem_limit: 'memory',
  node: 'host',
  nodeSelector: 'hostSelector',
  nodeName: 'host',
  ip: 'address',
  ipAddress: 'address',
  services: 'containers',
  volumeMounts: 'volumes',
  mounts: 'volumes',
  cap_add: 'capabilities',
  securityContext: 'capabilities',
  read_only: 'readOnlyRootFilesystem',
  stop_grace_period: 'stopTimeout',
  terminationGracePeriodSeconds: 'stopTimeout',
  path: 'mountPath',
  target: 'mountPath',
  httpGet: 'http',
  tcpSocket: 'tcp',
};

/** The one of the known keys that `key` most likely means, or undefined. */
export function meantKey(key: string, known: SchemaNode['properties'] = {}): string | undefined {
  const other = Object.hasOwn(otherNames, key) ? otherNames[key] : undefined;
  if (other !== undefined && Object.hasOwn(known, other)) return other;
  return nearNames(key, Object.keys(known))[0];
}

/** What to do about the key, which `schema` does not know. */
export function unknownKeyHint(key: string, schema: SchemaNode): string {
  const known = Object.keys(schema.properties ?? {});
  const meant = meantKey(key, schema.properties);
  if (meant !== undefined) return didYouMean(key, known) ?? `did you mean "${meant}"?`;
  if (key === 'ports' || key === 'expose') {
    return 'an application has its own address: every port of its containers is reachable there';
  }
  const elsewhere = [...schemaPlaces(manifestSchema)]
    .filter(({ node }) => node.properties && Object.hasOwn(node.properties, key))
    .map(({ path }) => path || 'the top level');
  if (elsewhere.length > 0) return `${shown(key)} belongs to ${elsewhere.slice(0, 2).join(' or ')}`;
  return `known keys: ${known.join(', ')}`;
}
