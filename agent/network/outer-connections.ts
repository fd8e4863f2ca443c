// The connections of an application with peers outside it, which a checkpoint cannot bring back: closed at both ends.
import { runProcess } from '../../src/core/run-process.ts';
import { namespacePath } from './namespace-path.ts';

export interface OuterConnection {
  localPort: number;
  peer: string;
  peerPort: number;
}

/** Whose programs have this group id, so that the rules below mean nobody else's connections. */
const ownGroup = 64_719;
/** From asking a peer for a sign of life to having answered it. */
const answerMs = 400;

/** All that are not to a listening socket, and whose peer is not in the application. */
export async function listOuterConnections(application: string, address: string): Promise<OuterConnection[]> {
  return read(await askSockets(application, ['-tHn', ...outer(address)]));
}

/**
 * For an application that is restored, held and locked, with its link attached: its programs find these connections
 * aborted, as after the death of a peer. Those within the application are left.
 */
export async function abortOuterConnections(
  application: string,
  address: string,
): Promise<OuterConnection[]> {
  return read(await askSockets(application, ['-tKHn', ...outer(address)]));
}

/**
 * Tells the peers of connections that are no more, whether they are about to send something or not: they are asked for
 * a new connection from the port of the old one. A peer that still has that answers with what it expects (RFC 9293,
 * 3.10.7.4), and our kernel, which knows no such connection, with a reset that the peer must believe.
 */
export async function resetPeers(
  application: string,
  connections: readonly OuterConnection[],
): Promise<void> {
  // nft knows no IPv6 address as the key of this map, and no application has one.
  const ports = new Map(
    connections
      .filter(({ peer }) => /^[0-9.]+$/.test(peer))
      .map(({ peer, peerPort, localPort }) => [`${peer} . ${peerPort}`, localPort]),
  );
  if (ports.size === 0) return;
  const elements = [...ports].map(([peer, port]) => `${peer} : ${port}`).join(', ');
  const table = 'table inet cmig_reset\ndelete table inet cmig_reset\n';
  const rules = `${table}table inet cmig_reset {
  chain outgoing {
    type filter hook output priority -310; policy accept;
    meta skgid ${ownGroup} tcp sport set ip daddr . tcp dport map { ${elements} }
  }
}
`;
  await inside(application, ['nft', '-f', '-'], rules);
  try {
    const peers = [...ports.keys()].map((key) => key.split(' . '));
    await inside(application, [process.execPath, '-e', knock, JSON.stringify(peers)], '', ownGroup);
  } finally {
    await inside(application, ['nft', '-f', '-'], table);
  }
}

const knock = `
const { connect } = require('node:net');
for (const [host, port] of JSON.parse(process.argv[1])) connect(Number(port), host).on('error', () => {});
setTimeout(() => process.exit(0), ${answerMs});
`;

/** As `connected` ss takes all but what listens; a filter for IPv4 finds it within IPv6 sockets too. */
const outer = (address: string): string[] => [
  'state',
  'connected',
  `( not dst 127.0.0.0/8 and not dst [::1] and not dst ${address} )`,
];

const askSockets = async (application: string, words: string[]): Promise<string> =>
  (await inside(application, ['ss', ...words])).stdout;

/** `ESTAB 0 0 10.77.0.10:80 10.77.255.1:42512`; an IPv4 address of an IPv6 socket is `[::ffff:10.77.255.1]`. */
function read(text: string): OuterConnection[] {
  return text.split('\n').flatMap((line) => {
    const [, , , local = '', peer = ''] = line.trim().split(/\s+/);
    const cut = (end: string) => {
      const at = end.lastIndexOf(':');
      return {
        host: end.slice(0, at).replace(/^\[(?:::ffff:)?(.*)\]$/, '$1'),
        port: Number(end.slice(at + 1)),
      };
    };
    if (!peer) return [];
    return [{ localPort: cut(local).port, peer: cut(peer).host, peerPort: cut(peer).port }];
  });
}

const inside = (application: string, argv: string[], input?: string, group?: number) =>
  runProcess(
    'nsenter',
    [`--net=${namespacePath(application)}`, ...(group ? [`--setgid=${group}`] : []), '--', ...argv],
    { timeoutMs: 10_000, ...(input === undefined ? {} : { input }) },
  );
