// This host looks at itself: all checks, by name, in the order in which they are told.
import type { Finding } from '../../src/contract/diagnosis.ts';
import { canTrackMemory } from '../checkpoints/memory-lineage.ts';
import type { Machine } from '../migration/machine.ts';
import { lookAtBridge } from './bridge.ts';
import { lookAtCertificate } from './certificate.ts';
import { testCriu } from './criu-self-test.ts';
import { lookAtDisk } from './disk-space.ts';
import { ok, problem, type Said } from './findings.ts';
import { lookAtKernelSettings } from './kernel-settings.ts';
import { lookForLeftovers } from './leftovers.ts';
import { lookAtCapabilities, lookAtCgroups } from './privileges.ts';
import { lookAtPublishedPorts } from './published-ports.ts';
import { lookAtOwnSshd, lookAtPeers } from './ssh.ts';

const checks: Record<string, (machine: Machine) => Promise<Said | Said[]>> = {
  broker: async ({ context }) => lookAtBroker(context.rpc.connection),
  certificate: ({ context }) => lookAtCertificate(context.config),
  bridge: ({ context }) => lookAtBridge(context.config),
  sysctl: lookAtKernelSettings,
  ports: lookAtPublishedPorts,
  cgroup: lookAtCgroups,
  capabilities: lookAtCapabilities,
  memory: async ({ context }) => lookAtMemory(await canTrackMemory(context.programs)),
  disk: lookAtDisk,
  sshd: lookAtOwnSshd,
  peers: lookAtPeers,
};

interface Broker {
  endpoint: string;
  connected: boolean;
  blockedBy: string | undefined;
}

export class Diagnosis {
  readonly #machine: Machine;
  #testing: Promise<Said> | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Whatever a check throws is a finding. With `selfTest` criu dumps and restores a container, which takes about 1 s. */
  async run({ selfTest }: { selfTest: boolean }): Promise<Finding[]> {
    const all = selfTest ? { criu: () => this.#selfTest(), ...checks } : checks;
    const said = await Promise.all(Object.entries(all).map(([check, look]) => this.#look(check, look)));
    // Last, since the self-test has processes of its own.
    return [...said.flat(), ...(await this.#look('leftovers', lookForLeftovers))];
  }

  async #look(check: string, look: (machine: Machine) => Promise<Said | Said[]>): Promise<Finding[]> {
    const said = await look(this.#machine).catch((error) =>
      problem(`could not be looked at: ${error instanceof Error ? error.message : String(error)}`),
    );
    return [said].flat().map((each): Finding => ({ check, ...each }));
  }

  /** One at a time: two would be in each other's way. */
  #selfTest(): Promise<Said> {
    this.#testing ??= testCriu(this.#machine).finally(() => {
      this.#testing = undefined;
    });
    return this.#testing;
  }
}

/** Nothing is wrong where it cannot, and nobody can mend it. */
const lookAtMemory = (isTracked: boolean): Said =>
  ok(
    isTracked
      ? 'a checkpoint dumps only the memory that was written to since the one before'
      : 'every checkpoint dumps all memory: this kernel does not tell what is written to (no soft-dirty bit)',
  );

function lookAtBroker({ endpoint, connected, blockedBy }: Broker): Said {
  if (!connected)
    return problem(`the broker at ${endpoint} is not connected`, {
      hint: "is it up, and are broker.url and the credentials of the agent's configuration right?",
    });
  if (blockedBy)
    return problem(`the broker at ${endpoint} takes no messages: ${blockedBy}`, {
      hint: "free memory or disk on the broker's machine",
    });
  return ok(`the broker at ${endpoint} is connected`);
}
