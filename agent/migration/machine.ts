// What both halves of a migration work with on their host.
import type { HostRecord } from '../../src/contract/host.ts';
import type { AgentContext } from '../context.ts';
import type { ApplicationNetwork } from '../network/application-network.ts';
import type { Neighbourhood } from '../network/neighbourhood.ts';
import type { HostRegistry } from '../peers/host-registry.ts';
import type { Checkpoints } from '../runtime/checkpoint.ts';
import type { ContainerRuntime } from '../runtime/container-runtime.ts';
import type { Runc } from '../runtime/runc.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { ApplicationStore } from '../store/application-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { PeerTransfer } from '../transfer/peer-transfer.ts';
import type { MigrationJournal } from './journal.ts';

export interface Machine {
  context: AgentContext;
  hosts: HostRegistry;
  applications: ApplicationStore;
  images: ImageStore;
  network: ApplicationNetwork;
  neighbourhood: Neighbourhood;
  runc: Runc;
  runtime: ContainerRuntime;
  checkpoints: Checkpoints;
  supervisor: Supervisor;
  transfer: PeerTransfer;
  journal: MigrationJournal;
}

export type Peer = HostRecord;
