// `cmig host add`.
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CmigError } from '../../core/errors.ts';
import { addHost } from '../../orchestrator/joining/add-host.ts';
import { agreeOnKey, pinKey, pinnedKey, scanHostKey } from '../../orchestrator/joining/host-key.ts';
import { knownHostName, parseSshAddress, type SshAddress } from '../../orchestrator/joining/ssh-address.ts';
import { SshSession } from '../../orchestrator/joining/ssh-session.ts';
import { describeMachine, describePlan } from '../../view/joining.ts';
import { progressMode, withProgress } from '../../view/progress.ts';
import type { Invocation } from '../command.ts';
import { contextsFile } from '../contexts.ts';
import { credentialsLine, withOrchestrator } from '../session.ts';

export async function add(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  const json = invocation.output === 'json';
  const say = (line: string): void => (json ? undefined : invocation.print(line));
  const where = parseSshAddress(invocation.required('ADDRESS'));
  const labels = readLabels(invocation.texts('label'));
  const dryRun = invocation.flag('dry-run');
  const report = await withOrchestrator(invocation, async (orchestrator) => {
    const { context } = orchestrator;
    const hostKey = await agreedKey(invocation, where);
    const session = await SshSession.open({
      ...{ where, hostKey, identity: invocation.text('identity') },
      interactive: invocation.interactive && invocation.stdin.isTTY === true,
      signal: invocation.signal,
    });
    try {
      // A file already there may be replaced, and what is said of it goes above the progress.
      const mode = progressMode({ machineReadable: json, terminal: invocation.interactive });
      return await withProgress(mode, (onProgress) =>
        addHost(orchestrator, session, {
          ...{ name, where, hostKey, labels, dryRun, onProgress },
          address: invocation.text('address'),
          brokerUrl: invocation.text('broker'),
          contextUrl: context.broker.url,
          insecure: context.broker.insecure === true,
          credentials: credentialsLine(context),
          bridge: invocation.text('bridge'),
          range: invocation.text('network'),
          gateway: invocation.text('gateway'),
          cgroupParent: invocation.text('cgroup-parent'),
          onPlan(facts, plan) {
            for (const line of describeMachine(facts)) say(line);
            for (const line of describePlan(plan)) say(`  ${line}`);
          },
          signal: invocation.signal,
        }),
      );
    } finally {
      await session.close();
    }
  });
  if (json) return invocation.printJson(report);
  for (const { check, message } of report.findings) invocation.notice(`warning: ${check}: ${message}`);
  const steps = report.changed.length;
  if (steps === 0) return say(`host/${name}: no change`);
  if (dryRun) return say(`host/${name} can be added (dry run)`);
  say(`host/${name} ${report.existed ? 'brought in order' : 'added'}`);
}

/** Agreed to once, and kept beside the contexts. */
async function agreedKey(invocation: Invocation, where: SshAddress): Promise<string> {
  const pinFile = join(dirname(contextsFile()), 'known_hosts');
  const [shown, pinned] = [await scanHostKey(where), await pinnedKey(pinFile, where)];
  const asks = invocation.interactive && invocation.stdin.isTTY === true;
  await agreeOnKey(shown, {
    ...{ where, pinned, pinFile, given: invocation.text('host-key') },
    ask: asks ? (fingerprint) => confirm(invocation, where, fingerprint) : undefined,
  });
  if (pinned === undefined) await pinKey(pinFile, where, shown.key);
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

/** Undefined where none is given. @throws CmigError `invalid` */
function readLabels(texts: readonly string[]): Record<string, string> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = /^([A-Za-z0-9][\w./-]*)=([\w.-]*)$/.exec(text) ?? [];
      if (key === undefined || value === undefined)
        throw new CmigError('invalid', `"${text}" is no label`, { hint: 'such as site=aws' });
      return [key, value];
    }),
  );
}
