// What rsync tells on its standard output: how far it is, and what it sent.

/** `      10000  20%    9.54MB/s    0:00:00 (xfr#1, …` -> bytes so far; undefined for any other line. */
export function readProgressBytes(line: string): number | undefined {
  const match = /^\s*([0-9]+)\s+[0-9]+%\s/.exec(line);
  return match ? Number(match[1]) : undefined;
}

/** Bytes that went over the wire, from `--stats --no-h`. */
export function readSentBytes(output: string): number {
  return Number(/^Total bytes sent: ([0-9]+)$/m.exec(output)?.[1] ?? 0);
}
