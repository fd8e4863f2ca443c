// The way to the world of this host's applications: through one host, wherever they are.
import type { ApplicationManifest } from '../../src/contract/application.ts';
import type { HostRecord } from '../../src/contract/host.ts';

/** The host was chosen, or is the one where it first ran. */
export const egressOf = ({ spec }: Pick<ApplicationManifest, 'spec'>): string =>
  spec.network?.egress ?? spec.host;

/** The address of that host among the applications; undefined where it is not known. */
export const gatewayOf = (
  hosts: readonly HostRecord[],
  manifest: Pick<ApplicationManifest, 'spec'>,
): string | undefined => hosts.find(({ name }) => name === egressOf(manifest))?.overlay?.address;
