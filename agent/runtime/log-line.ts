// Lines of a container's log as conmon writes them: time, stream, whether the line is whole, text.

export interface LogLine {
  /** RFC 3339 with nanoseconds, in UTC. */
  time: string;
  stream: 'stdout' | 'stderr';
  line: string;
}

/** A line longer than this is told in pieces; conmon itself cuts at 8 KiB. */
const longestLine = 256 * 1024;

/** Puts the pieces of long lines together; keeps those of either stream apart. */
export class LogLineReader {
  #parts: { stdout: string; stderr: string } = { stdout: '', stderr: '' };

  /** @returns undefined where the line goes on, or is none of conmon's */
  read(text: string): LogLine | undefined {
    const match = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(text);
    if (!match) return undefined;
    const [, time, stream, tag, part] = match as unknown as [
      string,
      string,
      'stdout' | 'stderr',
      string,
      string,
    ];
    const line = this.#parts[stream] + part;
    if (tag === 'P' && line.length < longestLine) {
      this.#parts[stream] = line;
      return undefined;
    }
    this.#parts[stream] = '';
    return { time: utc(time), stream, line };
  }
}

/** conmon writes local time with its offset; the nanoseconds are kept, which Date does not. */
function utc(time: string): string {
  const match = /^(.{19})\.([0-9]{9})([+-][0-9]{2}:[0-9]{2}|Z)$/.exec(time);
  if (!match) return time;
  const [, seconds, nanoseconds, offset] = match;
  if (offset === '+00:00' || offset === 'Z') return `${seconds}.${nanoseconds}Z`;
  return `${new Date(`${seconds}${offset}`).toISOString().slice(0, 19)}.${nanoseconds}Z`;
}
