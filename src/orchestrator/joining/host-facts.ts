// What a machine is and has that is to be a host, as scripts/host/look.sh tells it.
import { type MachineFacts, machineFacts, readTold } from './machine-facts.ts';

export interface HostFacts extends MachineFacts {
  cgroupVersion: number;
  criu?: string;
  runc?: string;
  /** What stands in the private prefix has dumped and restored a container on this kernel. */
  criuTested: boolean;
  /** An installation of packages was begun and not ended. */
  packagesPending: boolean;
  sshd: { includes: boolean; authorizedKeys: string[]; pidFile?: string };
  /** File of the public key: `type key`. */
  hostKeys: Record<string, string>;
  pipeMaxBytes: number;
  /** Until when its certificate is valid. */
  certificateUntil?: Date;
  /** The agent's configuration, as it is there. */
  configuration?: string;
  /** `host add` has been here. */
  isAdded: boolean;
  /** `host remove` has found nothing on it any more, and was cut off. */
  isLeaving: boolean;
  /** `broker install` has been here, too. */
  isBroker: boolean;
  isEnabled: boolean;
  isRunning: boolean;
}

/** @throws CmigError `failed` where the answer was cut off */
export function parseHostFacts(text: string): HostFacts {
  const told = readTold(text);
  const { get, has, words } = told;
  const configuration = told.decoded('configuration');
  return {
    ...machineFacts(told),
    cgroupVersion: Number(get('cgroup')),
    ...(get('criu') ? { criu: get('criu') } : {}),
    ...(get('runc') ? { runc: get('runc') } : {}),
    criuTested: has('tested'),
    packagesPending: has('pending'),
    sshd: {
      includes: has('sshdIncludes'),
      authorizedKeys: words('authorizedKeys'),
      ...(get('sshdPid') ? { pidFile: get('sshdPid') } : {}),
    },
    hostKeys: told.group('hostKey'),
    pipeMaxBytes: Number(get('pipes')),
    ...(get('certificateUntil') ? { certificateUntil: new Date(get('certificateUntil')) } : {}),
    ...(configuration ? { configuration } : {}),
    isAdded: has('added'),
    isLeaving: has('leaving'),
    isBroker: has('broker'),
    isEnabled: has('enabled'),
    isRunning: has('running'),
  };
}
