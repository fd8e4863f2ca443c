// The SSH host key of a machine that is met for the first time: given, asked for, and kept beside the contexts.
import { createInterface } from 'node:readline/promises';
import { agreeOnKey, pinKey, pinnedKey, scanHostKey } from '../orchestrator/joining/host-key.ts';
import { knownHostName, type SshAddress } from '../orchestrator/joining/ssh-address.ts';
import type { Invocation } from './command.ts';
import { pinFile } from './on-machine.ts';

/** Agreed to once. @throws CmigError as agreeOnKey() and scanHostKey() */
export async function agreedKey(invocation: Invocation, where: SshAddress): Promise<string> {
  const file = pinFile();
  const [shown, pinned] = [await scanHostKey(where), await pinnedKey(file, where)];
  await agreeOnKey(shown, {
    ...{ where, pinned, pinFile: file, given: invocation.text('host-key') },
    ask: invocation.attended ? (fingerprint) => confirm(invocation, where, fingerprint) : undefined,
  });
  if (pinned === undefined) await pinKey(file, where, shown.key);
  return shown.key;
}

async function confirm(invocation: Invocation, where: SshAddress, fingerprint: string): Promise<boolean> {
  const asking = createInterface({ input: invocation.stdin, output: invocation.stderr });
  try {
    const question = `${knownHostName(where)} shows the SSH host key ${fingerprint}\nIs it the machine's (yes/no)? `;
    return /^y(es)?$/i.test((await asking.question(question, { signal: invocation.signal })).trim());
  } finally {
    asking.close();
  }
}
