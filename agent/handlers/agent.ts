// RPC: what this agent and its machine are.
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { HostStatistics } from '../../src/contract/host.ts';
import type { MachineFacts } from '../../src/contract/machine.ts';
import type { Result } from '../../src/contract/methods.ts';
import { apiVersion, protocolVersion } from '../../src/contract/protocol.ts';
import { validUntil } from '../../src/core/certificate.ts';
import { version } from '../../src/core/version.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentContext } from '../context.ts';
import { readHostFacts } from '../migration/host-facts.ts';
import { readMemory } from '../statistics/host-counters.ts';

export interface AgentHandlersOptions {
  context: Pick<AgentContext, 'config' | 'paths' | 'programs'>;
  /** How many applications this host has. */
  countApplications: () => Promise<number>;
  /** The last measurement. */
  statistics: () => HostStatistics | undefined;
  /** Whether this host is cordoned. */
  isUnschedulable: () => boolean;
}

/** The versions of criu and runc are asked for once, so that a description starts no program. */
export async function agentHandlers({
  context,
  countApplications,
  statistics,
  isUnschedulable,
}: AgentHandlersOptions) {
  const startedAt = new Date().toISOString();
  const [facts, operatingSystem] = await Promise.all([
    readHostFacts(context.programs),
    readOperatingSystem(),
  ]);
  return {
    'agent.describe': async (): Promise<Result<'agent.describe'>> => ({
      apiVersion,
      kind: 'Host',
      metadata: { name: context.config.name, labels: context.config.labels },
      spec: {
        address: context.config.address,
        sshPort: context.config.ssh.port,
        ...(isUnschedulable() ? { unschedulable: true } : {}),
      },
      status: {
        condition: 'Ready',
        lastSeen: new Date().toISOString(),
        agentVersion: version,
        protocolVersion,
        startedAt,
        ...certificateOf(context.config),
        operatingSystem,
        ...(await describeMachine(facts, context.paths.dataDirectory)),
        applicationNetwork: context.config.network.range,
        applications: await countApplications(),
        ...withStatistics(statistics()),
      },
    }),
  };
}

/** Of the file, which may have been renewed meanwhile: the next connection is made with it. */
function certificateOf({ tls }: Pick<AgentConfig, 'tls'>) {
  try {
    return tls ? { certificateExpiresAt: validUntil(tls.certificate).toISOString() } : {};
  } catch {
    return {};
  }
}

const withStatistics = (statistics: HostStatistics | undefined) => (statistics ? { statistics } : {});

async function describeMachine({ shadowStacks: _, ...facts }: MachineFacts, folder: string) {
  const [disk, meminfo] = await Promise.all([statfs(folder), readFile('/proc/meminfo', 'utf8')]);
  const { totalBytes, availableBytes } = readMemory(meminfo);
  return {
    ...facts,
    cores: availableParallelism(),
    memoryBytes: totalBytes,
    memoryAvailableBytes: availableBytes,
    diskBytes: disk.blocks * disk.bsize,
    diskAvailableBytes: disk.bavail * disk.bsize,
  };
}

/** PRETTY_NAME of os-release(5), which stands at one of two places. */
async function readOperatingSystem(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() =>
    readFile('/usr/lib/os-release', 'utf8').catch(() => ''),
  );
  return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(text)?.[2] ?? 'Linux';
}
