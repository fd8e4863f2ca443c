// Finds one thing in the inventory, or says what may have been meant.
import type { Application } from '../contract/application.ts';
import type { Host } from '../contract/host.ts';
import type { Image } from '../contract/image.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import type { Inventory } from './inventory.ts';

/** @throws CmigError `not-found` with near names; `unreachable` where a host could not be asked, which may have it */
export function findApplication(inventory: Inventory, name: string): Application {
  const found = inventory.applications.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  throw applicationNotFound(inventory, name);
}

export function applicationNotFound(inventory: Inventory, name: string): CmigError {
  const near = didYouMean(
    name,
    inventory.applications.map(({ metadata }) => metadata.name),
  );
  return notFound(`application "${name}"`, inventory, near ?? 'cmig get applications lists them');
}

/** That there is none is known only where all hosts have answered: what a silent one has is still there. */
export function notFound(
  what: string,
  { unreachable }: Pick<Inventory, 'unreachable'>,
  hint: string | undefined,
): CmigError {
  if (unreachable.length === 0) return new CmigError('not-found', `there is no ${what}`, { hint });
  const silent = unreachable.join(', ');
  return new CmigError('unreachable', `${silent} did not answer, and no other host has ${what}`, { hint });
}

/** @throws CmigError `not-found` with near names */
export function findHost(inventory: Inventory, name: string): Host {
  const found = inventory.hosts.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  const names = inventory.hosts.map(({ metadata }) => metadata.name);
  throw new CmigError('not-found', `there is no host "${name}"`, {
    hint: didYouMean(name, names) ?? `the hosts are ${names.join(', ')}`,
  });
}

/** One of the hosts' copies. @throws CmigError `not-found` with near names */
export function findImage(inventory: Inventory, name: string): Image {
  const found = inventory.images.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  const near = didYouMean(
    name,
    inventory.images.map(({ metadata }) => metadata.name),
  );
  throw new CmigError('not-found', `there is no image "${name}"`, {
    hint: near ?? 'cmig get images lists them',
  });
}

/** @throws CmigError `not-found`; `unreachable` where its agent does not answer; `incompatible` */
export function findReadyHost(inventory: Inventory, name: string): Host {
  const host = findHost(inventory, name);
  const { condition, message, protocolVersion } = host.status;
  if (condition === 'Incompatible') {
    throw new CmigError(
      'incompatible',
      `host ${name} speaks another version of the protocol (${protocolVersion})`,
      {
        hint: 'bring the agent and cmig to the same version',
      },
    );
  }
  if (condition === 'NotReady') {
    throw new CmigError(
      'unreachable',
      `host ${name} is not ready: ${message ?? 'its agent does not answer'}`,
      {
        hint: `is the machine up, and cmig-agent running on it? (cmig get host ${name})`,
      },
    );
  }
  return host;
}

/** For an application that is not there yet. @throws CmigError `conflict` */
export function refuseCordoned({ hosts }: Inventory, host: Host, application: string): void {
  if (!host.spec.unschedulable) return;
  const { name } = host.metadata;
  const others = hosts.filter(({ spec, status }) => !spec.unschedulable && status.condition === 'Ready');
  const open = others.map(({ metadata }) => metadata.name).join(', ');
  throw new CmigError('conflict', `${name} is cordoned: it does not take application ${application}`, {
    hint: `choose another host${open && ` (${open})`}, or lift it: cmig uncordon ${name}`,
  });
}
