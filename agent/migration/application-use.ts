// What the processes of an application have that not every machine has, and how much memory they fill.
import { readFile, readlink } from 'node:fs/promises';
import type { ApplicationUse } from '../../src/contract/machine.ts';
import type { RunningProcess } from '../cpu/unheld-code.ts';

export async function readApplicationUse(
  processes: readonly RunningProcess[],
): Promise<ApplicationUse & { memoryBytes: number }> {
  const use = {
    securityLabels: new Set<string>(),
    ownTimeNamespace: false,
    ipv6Sockets: 0,
    shadowStacks: false,
  };
  let memoryBytes = 0;
  const ourTime = await readlink('/proc/self/ns/time').catch(() => '');
  for (const { pid } of processes) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const status = await read('status');
    memoryBytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    use.shadowStacks ||= hasShadowStack(status);
    use.ownTimeNamespace ||= (await readlink(`/proc/${pid}/ns/time`).catch(() => ourTime)) !== ourTime;
    const label = labelOf(await read('attr/current'));
    if (label) use.securityLabels.add(label);
    // Its containers share one network namespace.
    use.ipv6Sockets ||= countSockets(
      await Promise.all(['tcp6', 'udp6', 'raw6'].map((each) => read(`net/${each}`))),
    );
  }
  return { ...use, securityLabels: [...use.securityLabels].slice(0, 100), memoryBytes };
}

/** Of what /proc/PID/status holds. */
export const hasShadowStack = (status: string): boolean => /^x86_Thread_features:.*\bshstk\b/m.test(status);

/** Of what /proc/PID/attr/current holds: nothing where no module gives labels, or AppArmor sets no bounds. */
export function labelOf(current: string): string | undefined {
  const label = current.replaceAll('\0', '').trim();
  const name = label.replace(/ \((enforce|complain|kill|unconfined|prompt|mixed|user)\)$/, '');
  return name === '' || name === 'unconfined' ? undefined : name.slice(0, 500);
}

/** Of what the tables of /proc/PID/net hold: one line of head, one for each socket. */
export const countSockets = (tables: readonly string[]): number =>
  tables.reduce((sum, table) => sum + Math.max(0, table.split('\n').filter(Boolean).length - 1), 0);
