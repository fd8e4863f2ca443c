// What the parts of a manifest say of each other: names given twice, containers and volumes that do not exist, cycles.
import { collide, type PublishedPort } from '../contract/published-port.ts';
import { didYouMean } from '../core/near-names.ts';
import type { ManifestDocument } from './document.ts';
import { findCycles } from './find-cycles.ts';
import { containersOf, fieldsOf, itemsOf, type LooseContainer, textOf } from './loose.ts';
import { type Path, pathText, shown } from './problems.ts';
import { manifestSchema, schemaAt } from './schema-node.ts';

const containersAtMost = schemaAt(manifestSchema, ['spec', 'containers'])!.maxItems!;

/** Adds the problems between the parts of an application to those of the document. */
export function checkReferences(document: ManifestDocument): void {
  const containers = containersOf(document.value);
  // What so many say of each other is of no use to anybody, and the search for circles would take its time.
  if (containers.length > containersAtMost) return;
  const spec = fieldsOf(fieldsOf(document.value).spec);
  const named = containers.map(({ name, path }) => ({ text: name, path: [...path, 'name'] }));
  reportTwice(document, named, 'two containers are named');
  const volumes = itemsOf(spec.volumes).map((volume, index) => ({
    text: textOf(fieldsOf(volume).name),
    path: ['spec', 'volumes', index, 'name'],
  }));
  reportTwice(document, volumes, 'two volumes are named');
  for (const container of containers) {
    const env = itemsOf(container.fields.env).map((variable, index) => ({
      text: textOf(fieldsOf(variable).name),
      path: [...container.path, 'env', index, 'name'],
    }));
    reportTwice(document, env, 'two variables of the container are named');
    checkMounts(document, container, volumes);
    checkReadiness(document, container);
  }
  checkDependencies(document, containers);
  checkClients(document, itemsOf(fieldsOf(spec.network).allow));
  checkPorts(document, itemsOf(fieldsOf(spec.network).ports));
}

interface Named {
  text: string | undefined;
  path: Path;
}

function reportTwice(document: ManifestDocument, names: readonly Named[], message: string): void {
  const first = new Map<string, Path>();
  for (const { text, path } of names) {
    if (text === undefined) continue;
    const before = first.get(text);
    if (!before) first.set(text, path);
    else
      document.problem(
        path,
        `${message} ${shown(text)}`,
        `the first one stands at ${document.where(before)}`,
      );
  }
}

function checkMounts(document: ManifestDocument, container: LooseContainer, volumes: readonly Named[]): void {
  // A name that could not be read may be the one that is asked for.
  const allNamed = volumes.every(({ text }) => text !== undefined) && !document.failed(['spec', 'volumes']);
  const declared = new Set(volumes.flatMap(({ text }) => text ?? []));
  const mountedAt = new Map<string, Path>();
  for (const [index, item] of itemsOf(container.fields.volumes).entries()) {
    const path = [...container.path, 'volumes', index];
    const mount = fieldsOf(item);
    const name = textOf(mount.name);
    if (name !== undefined && allNamed && !declared.has(name)) {
      const hint = didYouMean(name, declared) ?? `declare it: spec.volumes: [{name: ${name}}]`;
      document.problem([...path, 'name'], `there is no volume ${shown(name)} in spec.volumes`, hint);
    }
    const mountPath = textOf(mount.mountPath);
    if (mountPath === undefined || document.failed([...path, 'mountPath'])) continue;
    const place = mountPath.replace(/(?<=.)\/$/, '');
    const pathOfMount = [...path, 'mountPath'];
    const before = mountedAt.get(place);
    if (before) {
      const hint = `the first one stands at ${document.where(before)}`;
      document.problem(pathOfMount, `two volumes are mounted at ${shown(place)}`, hint);
    } else mountedAt.set(place, pathOfMount);
    if (place === '/' || /^\/(proc|sys|dev)(\/|$)/.test(place)) {
      const whose = place === '/' ? 'the root file system itself' : 'the kernel’s own file systems';
      document.problem(pathOfMount, `a volume may not be mounted at ${shown(place)}: that is for ${whose}`);
    }
  }
}

function checkClients(document: ManifestDocument, clients: readonly unknown[]): void {
  for (const [index, item] of clients.entries()) {
    const path: Path = ['spec', 'network', 'allow', index];
    const keys = Object.keys(fieldsOf(item));
    if (document.failed(path) || keys.length <= 1 || keys.some((key) => document.failed([...path, key])))
      continue;
    document.problem(
      path,
      `${pathText(path)} must have exactly one of application, labels or cidr, but has ${keys.join(' and ')}`,
      'write each as an item of its own',
    );
  }
}

/** One port of a host cannot lead to two. */
function checkPorts(document: ManifestDocument, ports: readonly unknown[]): void {
  const seen: { port: PublishedPort; path: Path }[] = [];
  for (const [index, item] of ports.entries()) {
    const at: Path = ['spec', 'network', 'ports', index];
    const { hostPort, hosts, protocol } = fieldsOf(item);
    if (document.failed(at) || typeof hostPort !== 'number') continue;
    const path = [...at, 'hostPort'];
    const port = {
      hostPort,
      hosts: typeof hosts === 'string' ? hosts : hosts && itemsOf(hosts),
      protocol,
    } as PublishedPort;
    const before = seen.find((other) => collide(port, other.port));
    if (before)
      document.problem(
        path,
        `the host port ${hostPort} is published twice`,
        `the first one stands at ${document.where(before.path)}`,
      );
    else seen.push({ port, path });
  }
}

const probes = ['tcp', 'exec', 'http'] as const;

function checkReadiness(document: ManifestDocument, container: LooseContainer): void {
  const ready = container.fields.ready;
  const path = [...container.path, 'ready'];
  if (typeof ready !== 'object' || ready === null || document.failed(path)) return;
  const keys = Object.keys(fieldsOf(ready));
  const given = probes.filter((probe) => keys.includes(probe));
  const unknown = keys.filter((key) => document.failed([...path, key]));
  if (given.length === 1 || (given.length === 0 && unknown.length > 0)) return;
  const found = given.length === 0 ? 'none of them' : given.join(' and ');
  document.problem(
    path,
    `${pathText(path)} must have exactly one of tcp, exec or http, but has ${found}`,
    undefined,
    {
      key: true,
    },
  );
}

function checkDependencies(document: ManifestDocument, containers: readonly LooseContainer[]): void {
  const names = new Set(containers.flatMap(({ name }) => name ?? []));
  const allNamed = containers.every(({ name }) => name !== undefined);
  const edges = new Map<string, Map<string, Path>>();
  for (const container of containers) {
    const needed = new Map<string, Path>();
    for (const [index, item] of itemsOf(container.fields.dependsOn).entries()) {
      const path = [...container.path, 'dependsOn', index];
      const name = textOf(item);
      if (name === undefined) continue;
      if (names.has(name)) needed.set(name, path);
      else if (allNamed) {
        const others = [...names].filter((other) => other !== container.name);
        const hint = didYouMean(name, others) ?? `the containers are ${[...names].join(', ')}`;
        document.problem(path, `there is no container ${shown(name)}`, hint);
      }
    }
    if (container.name !== undefined && !edges.has(container.name)) edges.set(container.name, needed);
  }
  for (const cycle of findCycles(edges)) {
    const path = edges.get(cycle[0]!)!.get(cycle[1]!)!;
    const message =
      cycle.length === 2
        ? `the container ${cycle[0]} depends on itself`
        : `containers depend on each other in a circle: ${cycle.join(' → ')}`;
    document.problem(path, message, 'none of them could be started first');
  }
}
