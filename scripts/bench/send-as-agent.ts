// Runs on a host of the lab: sends a folder to a peer exactly as the agent does, and prints how many milliseconds it took,
// with the connection open before.
// usage: node send-as-agent.ts PEER SOURCE DESTINATION files|images
import { readFile } from 'node:fs/promises';
import { PeerTransfer } from '../../agent/transfer/peer-transfer.ts';
import type { HostRecord } from '../../src/contract/host.ts';

const [name = '', source = '', destination = '', content = 'files'] = process.argv.slice(2);
const { hosts } = JSON.parse(await readFile('/var/lib/cmig/hosts.json', 'utf8')) as { hosts: HostRecord[] };
const peer = hosts.find((host) => host.name === name);
if (!peer || (content !== 'files' && content !== 'images')) {
  console.error('usage: send-as-agent.ts PEER SOURCE DESTINATION files|images');
  process.exit(2);
}
const transfer = new PeerTransfer({
  identityFile: '/etc/cmig/identity',
  knownHostsFile: '/var/lib/cmig/ssh/known_hosts',
  // Not the agent's own: its connection stays as it is.
  runDirectory: '/run/cmig-bench',
});
await transfer.connect(peer);
const start = performance.now();
await transfer.send(peer, { sources: [source], destination, content });
console.log(performance.now() - start);
await transfer.disconnect(peer);
