// Reads what follow-stream.ts wrote, with what the shop said of itself before and after, and prints line by line
// whether the moves went unnoticed. Exits with 1 if one line does not hold.
// usage: node print-proof.ts RECORD BEFORE.json AFTER.json HOST:STARTED_MS:ENDED_MS…
import { readFileSync } from 'node:fs';

interface Line {
  at: number;
  number: number;
  count: number;
  redisClient: number;
}
/** What the shop answers to GET /. */
interface Shop {
  count: number;
  redis: { clientId: number; localPort: number; connections: number };
}

const [recordFile = '', beforeFile = '', afterFile = '', ...moves] = process.argv.slice(2);
const entries = readFileSync(recordFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const before: Shop = JSON.parse(readFileSync(beforeFile, 'utf8'));
const after: Shop = JSON.parse(readFileSync(afterFile, 'utf8'));
const lines: Line[] = entries.filter((entry) => 'number' in entry);
const opened = entries.find((entry) => 'connection' in entry);
const closed = entries.find((entry) => 'end' in entry);

let held = true;
function say(holds: boolean, text: string): void {
  held &&= holds;
  console.log(`  ${holds ? 'yes' : 'NO '}  ${text}`);
}

const wrong = lines.findIndex((line, index) => line.number !== index + 1);
say(
  lines.length > 0 && wrong === -1,
  wrong === -1
    ? `the stream is whole: numbers 1 to ${lines.length}, none missing, none twice`
    : `the stream is broken: number ${wrong + 1} should have come, ${lines[wrong]?.number} came`,
);
say(
  closed?.end === 'asked to stop' && `${opened?.connection}`.endsWith(`:${closed?.localPort}`),
  `the client's connection is the same one: ${opened?.connection} to ${opened?.to}, ` +
    (closed?.end === 'asked to stop'
      ? 'never closed, never opened again'
      : `${closed?.end ?? 'the client died'}`),
);
const clients = new Set(lines.map((line) => line.redisClient));
say(
  clients.size === 1 &&
    before.redis.clientId === after.redis.clientId &&
    before.redis.localPort === after.redis.localPort &&
    before.redis.connections === after.redis.connections,
  `redis's connection is the same one: client id ${before.redis.clientId} from port ${before.redis.localPort} before, ` +
    `id ${after.redis.clientId} from port ${after.redis.localPort} after`,
);
const increasing = lines.every((line, index) => index === 0 || line.count > (lines[index - 1]?.count ?? 0));
say(
  increasing && after.count > before.count && (lines.at(-1)?.count ?? 0) < after.count,
  `the count goes on: ${before.count} before, ${after.count} after, rising all the way`,
);

for (const move of moves) {
  const [host, started = 0, ended = 0] = move
    .split(':')
    .map((part, index) => (index === 0 ? part : Number(part)));
  // the longest silence that touches the move, a little beyond its end included: a client may resume later
  const pauseMs = Math.max(
    ...lines.map((line, index) => {
      const last = lines[index - 1]?.at ?? line.at;
      return line.at >= Number(started) && last <= Number(ended) + 1000 ? line.at - last : 0;
    }),
  );
  console.log(
    `       the move to ${host} was a pause of ${pauseMs} ms to the client (a line is due every 50 ms)`,
  );
}
process.exitCode = held ? 0 : 1;
