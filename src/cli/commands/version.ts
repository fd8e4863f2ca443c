// `cmig version`.
import { protocolVersion } from '../../contract/protocol.ts';
import { version } from '../../core/version.ts';
import type { Invocation } from '../command.ts';

export async function run(invocation: Invocation): Promise<void> {
  const facts = { version, protocolVersion, node: process.versions.node };
  if (invocation.output === 'json') return invocation.printJson(facts);
  if (invocation.output === 'yaml') {
    for (const [key, value] of Object.entries(facts)) invocation.print(`${key}: ${value}`);
    return;
  }
  invocation.print(`cmig ${version} (protocol ${protocolVersion}, Node ${process.versions.node})`);
}
