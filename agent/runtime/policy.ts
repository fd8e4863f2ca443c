// What the admin of this host lets applications have beyond the defaults. What is not on the list is refused.
import type { ApplicationManifest } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { AgentConfig } from '../config.ts';
import { defaultCapabilities } from './oci-bundle.ts';

type Config = Pick<AgentConfig, 'name' | 'policy'>;

const fullName = (name: string): string => (name.startsWith('CAP_') ? name : `CAP_${name}`);

/** Why this host does not run `manifest`; undefined where it does. */
export function policyRefusal(manifest: ApplicationManifest, { name, policy }: Config): string | undefined {
  const allowed = new Set([...defaultCapabilities, ...(policy?.capabilities ?? []).map(fullName)]);
  for (const container of manifest.spec.containers) {
    const refused = (container.capabilities?.add ?? []).map(fullName).filter((each) => !allowed.has(each));
    if (refused.length > 0)
      return `${name} does not let container ${container.name} of ${manifest.metadata.name} have ${refused.join(', ')}`;
  }
  return undefined;
}

export const policyHint =
  'an admin may allow it there: policy.capabilities in the configuration of the agent';

/** @throws CmigError `forbidden` */
export function applyPolicy(manifest: ApplicationManifest, config: Config): void {
  const refusal = policyRefusal(manifest, config);
  if (refusal) throw new CmigError('forbidden', refusal, { hint: policyHint });
}
