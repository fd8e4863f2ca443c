// What a host is given: what this command says, else what the host had before, else what the other hosts have.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { parse } from 'yaml';
import type { Host, KnownHost } from '../../contract/host.ts';
import { CmigError } from '../../core/errors.ts';
import type { AddHostOptions } from './add-host.ts';
import type { HostFacts } from './host-facts.ts';
import type { HostSettings } from './installed-files.ts';

const defaultRange = '10.77.0.0/16';

interface EarlierSettings {
  name?: string;
  address?: string;
  labels?: Record<string, string>;
  broker?: { url?: string };
  network?: { bridge?: string; range?: string; gateway?: string; overlay?: object };
  cgroupParent?: string;
}

/** What this command decides; all else in a configuration was written there by hand, and stays. */
const settingsOfAdd = new Set('name address labels broker ssh network programs cgroupParent'.split(' '));

/** @throws CmigError `conflict` where the machine, the name or the address is another host's */
export async function settingsOf(
  options: AddHostOptions,
  facts: HostFacts,
  known: readonly Host[],
  records: readonly KnownHost[],
): Promise<HostSettings> {
  const { name, where, hostKey } = options;
  const earlier = (facts.configuration ? parse(facts.configuration) : {}) as EarlierSettings;
  if (facts.configuration && !facts.isAdded)
    throw new CmigError('conflict', 'the machine was made a host by hand: it has an /etc/cmig/agent.yaml', {
      hint: 'look after it by hand, or remove that file and its agent first',
    });
  if (earlier.name !== undefined && earlier.name !== name)
    throw new CmigError('conflict', `the machine is the host ${earlier.name} already`, {
      hint: `cmig host remove ${earlier.name}`,
    });
  const address =
    options.address ??
    earlier.address ??
    (isIP(where.address) ? where.address : (await lookup(where.address)).address);
  const namesake = known.find(({ metadata }) => metadata.name === name);
  if (namesake && namesake.spec.address !== address)
    throw new CmigError('conflict', `there is a host ${name} already, at ${namesake.spec.address}`, {
      hint: 'choose another name, or remove that one first: cmig host remove',
    });
  const hostKeyFile = Object.entries(facts.hostKeys).find(([, key]) => key === hostKey)?.[0];
  if (!hostKeyFile)
    throw new CmigError('unsupported', "the SSH host key that the machine shows is not one of /etc/ssh's", {
      hint: 'does something stand in between, such as a gateway with an sshd of its own?',
    });
  const range =
    options.range ??
    earlier.network?.range ??
    known.map(({ status }) => status.applicationNetwork).find((each) => each !== undefined) ??
    defaultRange;
  return {
    name,
    address,
    sshPort: where.port,
    labels: options.labels ?? earlier.labels ?? {},
    brokerUrl: options.brokerUrl ?? earlier.broker?.url ?? options.contextUrl,
    insecure: options.insecure,
    certified: options.authority !== undefined,
    hostKeyFile,
    bridge: options.bridge ?? earlier.network?.bridge ?? 'cmig0',
    range,
    gateway: options.gateway ?? earlier.network?.gateway,
    overlay: earlier.network?.overlay ?? overlayLike(records),
    cgroupParent: options.cgroupParent ?? earlier.cgroupParent,
    others: Object.fromEntries(Object.entries(earlier).filter(([key]) => !settingsOfAdd.has(key))),
  };
}

/** Whether it may need WireGuard. */
export const encrypts = ({ overlay }: HostSettings): boolean =>
  overlay !== undefined && (overlay as { encryption?: string }).encryption !== 'never';

/** The overlay of a new host, by what the other hosts tell of theirs; none where they have none. */
function overlayLike(records: readonly KnownHost[]): object | undefined {
  const overlays = records.flatMap(({ overlay }) => overlay ?? []);
  if (overlays.length === 0) return undefined;
  return overlays.some(({ key }) => key) ? {} : { encryption: 'never' };
}
