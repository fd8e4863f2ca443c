// The demo's client: one HTTP request on one TCP connection, which it never opens again. It writes a JSON line for
// the connection, one for each line of the stream with its time of arrival in ms, and one for the end.
// usage: node follow-stream.ts URL FILE      SIGTERM ends it
import { closeSync, openSync, writeSync } from 'node:fs';
import { connect } from 'node:net';

const [address, file] = process.argv.slice(2);
if (!address || !file) {
  console.error('usage: follow-stream.ts URL FILE');
  process.exit(2);
}
const url = new URL(address);
const record = openSync(file, 'w');
const write = (entry: object) => writeSync(record, `${JSON.stringify(entry)}\n`);

const socket = connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true });
let ended = false;
function end(reason: string, failed: boolean): void {
  if (ended) return;
  ended = true;
  write({ end: reason, localPort: socket.localPort });
  closeSync(record);
  process.exitCode = failed ? 1 : 0;
  socket.destroy();
}

let unread = '';
let headRead = false;
socket.setEncoding('latin1');
socket.on('connect', () => {
  write({
    connection: `${socket.localAddress}:${socket.localPort}`,
    to: `${url.hostname}:${socket.remotePort}`,
  });
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
});
socket.on('data', (data: string) => {
  const at = Date.now();
  unread += data;
  if (!headRead) {
    const head = unread.indexOf('\r\n\r\n');
    if (head === -1) return;
    if (!unread.startsWith('HTTP/1.1 200 ')) return end(`answered ${unread.split('\r\n', 1)[0]}`, true);
    unread = unread.slice(head + 4);
    headRead = true;
  }
  const lines = unread.split('\n');
  unread = lines.pop() ?? '';
  for (const line of lines) {
    const [number, count, redisClient] = line.split(' ').map(Number);
    write({ at, number, count, redisClient });
  }
});
socket.on('end', () => end('the server closed the connection', true));
socket.on('error', (error) => end(`the connection broke: ${error.message}`, true));
process.on('SIGTERM', () => end('asked to stop', false));
