// What the kernel keeps a process of a host to, be the cgroups of version 1 or 2.
import { onHost } from './lab.ts';

export interface Limits {
  /** Bytes. */
  memory: string;
  /** Quota and period in microseconds. */
  cpu: string;
  pids: string;
}

const script = `
root=/sys/fs/cgroup
while IFS=: read -r number controllers path; do
  for file in memory.limit_in_bytes memory.max cpu.cfs_quota_us cpu.cfs_period_us cpu.max pids.max; do
    for folder in $root/$controllers $root/\${controllers%%,*} $root/\${controllers##*,} $root/unified; do
      [ -e "$folder$path/$file" ] || continue
      echo "$file $(cat "$folder$path/$file")"
      break
    done
  done
done < /proc/$0/cgroup`;

export async function limitsOf(host: string, pid: number | undefined): Promise<Limits> {
  const text = await onHost(host, 'sh', '-c', script, String(pid));
  const value = (file: string): string | undefined =>
    new RegExp(`^${file.replaceAll('.', '\\.')} (.+)$`, 'm').exec(text)?.[1];
  return {
    memory: value('memory.limit_in_bytes') ?? value('memory.max') ?? 'unknown',
    cpu: value('cpu.max') ?? `${value('cpu.cfs_quota_us')} ${value('cpu.cfs_period_us')}`,
    pids: value('pids.max') ?? 'unknown',
  };
}
