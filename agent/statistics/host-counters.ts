// What the kernel has counted for this host since it booted: CPU time, memory in use, bytes through the bridge.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface HostCounters {
  /** Of all cores together, in the kernel's ticks. */
  cpuBusyTicks: number;
  cpuTotalTicks: number;
  memoryUsedBytes: number;
  receivedBytes: number;
  sentBytes: number;
}

/** `root` is / but in tests. A bridge that is not there has moved nothing. */
export async function readHostCounters(bridge: string, root = '/'): Promise<HostCounters> {
  const counter = (name: string): Promise<number> =>
    readNumber(join(root, 'sys/class/net', bridge, 'statistics', name));
  const [stat, meminfo, receivedBytes, sentBytes] = await Promise.all([
    readFile(join(root, 'proc/stat'), 'utf8'),
    readFile(join(root, 'proc/meminfo'), 'utf8'),
    counter('rx_bytes'),
    counter('tx_bytes'),
  ]);
  // cpu user nice system idle iowait irq softirq steal guest guest_nice; guest time is part of user time already.
  const ticks = (stat.split('\n', 1)[0] ?? '').split(/\s+/).slice(1, 9).map(Number);
  const cpuTotalTicks = ticks.reduce((sum, each) => sum + each, 0);
  const { totalBytes, availableBytes } = readMemory(meminfo);
  return {
    cpuBusyTicks: cpuTotalTicks - (ticks[3] ?? 0) - (ticks[4] ?? 0),
    cpuTotalTicks,
    memoryUsedBytes: totalBytes - availableBytes,
    receivedBytes,
    sentBytes,
  };
}

/** From the text of /proc/meminfo. */
export function readMemory(meminfo: string): { totalBytes: number; availableBytes: number } {
  const bytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes('MemTotal'), availableBytes: bytes('MemAvailable') };
}

/** The number that a file of the kernel holds; 0 where there is no such file. */
export async function readNumber(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '0');
  return Number(text.trim()) || 0;
}
