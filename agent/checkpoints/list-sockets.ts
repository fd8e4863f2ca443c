// The sockets of an application as the kernel shows them: read while it stands still, for people to see.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { endianness } from 'node:os';
import type { CheckpointSocket } from '../../src/contract/checkpoint.ts';

/** The numbers of /proc/net/tcp, by the names of RFC 9293. */
const tcpStates: Record<string, string> = {
  '01': 'ESTABLISHED',
  '02': 'SYN-SENT',
  '03': 'SYN-RECEIVED',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '07': 'CLOSED',
  '08': 'CLOSE-WAIT',
  '09': 'LAST-ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
  '0C': 'SYN-RECEIVED',
};
const listening = 0x10000;
/** Nobody reads more, and the record has to be carried about. */
const atMost = 500;

type Found = Omit<CheckpointSocket, 'container' | 'pid'>;

/**
 * Those that a process has open, of every container in the one network that they share. A few milliseconds: the pause
 * may be waiting for it. What cannot be read is left out.
 */
export async function listSockets(
  containers: readonly { name: string; pids: readonly number[] }[],
): Promise<CheckpointSocket[]> {
  const anyPid = containers.flatMap(({ pids }) => pids)[0];
  if (anyPid === undefined) return [];
  const read = (table: string) => readFile(`/proc/${anyPid}/net/${table}`, 'utf8').catch(() => '');
  const found = new Map<string, Found>([
    ...readInternet(await read('tcp'), 'tcp'),
    ...readInternet(await read('tcp6'), 'tcp'),
    ...readInternet(await read('udp'), 'udp'),
    ...readInternet(await read('udp6'), 'udp'),
    ...readUnix(await read('unix')),
  ]);
  const owned: CheckpointSocket[] = [];
  for (const { name: container, pids } of containers)
    for (const pid of pids)
      for (const inode of await socketsOf(pid)) {
        const socket = found.get(inode);
        // One that several processes have is the first one's.
        found.delete(inode);
        if (socket && owned.length < atMost) owned.push({ container, pid, ...socket });
      }
  return owned;
}

async function socketsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const targets = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => '')));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

/** From the text of /proc/PID/net/tcp, tcp6, udp or udp6: by inode. */
export function readInternet(text: string, protocol: 'tcp' | 'udp'): [string, Found][] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): [string, Found][] => {
      const [, local = '', peer = '', number = '', queues = '', , , , , inode] = line.trim().split(/\s+/);
      if (!inode) return [];
      const [sent = '', received = ''] = queues.split(':');
      const state =
        protocol === 'udp' && number === '07' ? 'UNCONNECTED' : (tcpStates[number] ?? `0x${number}`);
      const isListening = state === 'LISTEN';
      return [
        [
          inode,
          {
            protocol,
            state,
            local: readAddress(local),
            ...(peer.endsWith(':0000') ? {} : { peer: readAddress(peer) }),
            // Of one that listens the kernel shows how many connections wait.
            sendQueueBytes: isListening ? 0 : Number.parseInt(sent, 16),
            receiveQueueBytes: isListening ? 0 : Number.parseInt(received, 16),
          },
        ],
      ];
    });
}

/** From the text of /proc/PID/net/unix, which tells neither queues nor peers. */
export function readUnix(text: string): [string, Found][] {
  const pattern = /^\w+: \w+ \w+ (\w+) \w+ (\w+) +(\d+)(?: (.*))?$/gm;
  return [...text.matchAll(pattern)].map(([, flags = '', number, inode = '', path]) => [
    inode,
    {
      protocol: 'unix',
      state:
        Number.parseInt(flags, 16) & listening ? 'LISTEN' : number === '03' ? 'ESTABLISHED' : 'UNCONNECTED',
      local: path || '*',
      sendQueueBytes: 0,
      receiveQueueBytes: 0,
    },
  ]);
}

/** `0100007F:1F90` is `127.0.0.1:8080`: words of four bytes, each as this machine orders them, then the port. */
function readAddress(text: string): string {
  const [words = '', port = ''] = text.split(':');
  const bytes = [...words.matchAll(/.{8}/g)].flatMap(([word]) => {
    const each = [...Buffer.from(word, 'hex')];
    return endianness() === 'LE' ? each.reverse() : each;
  });
  return `${bytes.length === 4 ? bytes.join('.') : readLongAddress(bytes)}:${Number.parseInt(port, 16)}`;
}

function readLongAddress(bytes: readonly number[]): string {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16),
  );
  // As a URL writes it, the longest run of zeros is left out.
  return new URL(`http://[${groups.join(':')}]`).hostname;
}
