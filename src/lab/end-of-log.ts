// The end of a log, for messages.
import { readFile } from 'node:fs/promises';

/** What the last lines of a log say, to be the end of a message; empty where it says nothing. */
export async function endOfLog(file: string, lines = 8): Promise<string> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return text === '' ? '' : `\n${text.split('\n').slice(-lines).join('\n')}`;
}
