// What every operation of the orchestrator works with.
import type { BrokerConnection } from '../broker/connection.ts';
import type { RpcClient } from '../broker/rpc-client.ts';

export interface OrchestratorContext {
  connection: BrokerConnection;
  rpc: RpcClient;
}
