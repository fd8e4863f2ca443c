import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readContainerCounters } from '../../../../agent/statistics/container-counters.ts';
import { readHostCounters } from '../../../../agent/statistics/host-counters.ts';
import { compare } from '../../../../agent/statistics/statistics-reporter.ts';

let root: string;
const put = async (file: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
};
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cmig-statistics-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('readHostCounters', () => {
  it('counts waiting for a disk as idle, and guests once', async () => {
    await put('proc/stat', 'cpu  100 10 30 500 60 1 2 3 40 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n');
    await put('proc/meminfo', 'MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  400 kB\n');
    await put('sys/class/net/br0/statistics/rx_bytes', '7000\n');
    await put('sys/class/net/br0/statistics/tx_bytes', '8000\n');
    expect(await readHostCounters('br0', root)).toEqual({
      cpuTotalTicks: 706,
      cpuBusyTicks: 146,
      memoryUsedBytes: 600 * 1024,
      receivedBytes: 7000,
      sentBytes: 8000,
    });
    expect(await readHostCounters('absent', root)).toMatchObject({ receivedBytes: 0, sentBytes: 0 });
  });

  it('reads what this kernel tells', async () => {
    const counters = await readHostCounters('lo');
    expect(counters.cpuTotalTicks).toBeGreaterThan(counters.cpuBusyTicks);
    expect(counters.memoryUsedBytes).toBeGreaterThan(0);
  });
});

describe('readContainerCounters', () => {
  const db = {
    application: 'shop',
    container: 'db',
    cpuMicroseconds: 2500,
    memoryBytes: 900,
    pids: 4,
  };

  it('reads cgroup v1', async () => {
    await put('sys/fs/cgroup/cpuacct/cmig/shop/db/cpuacct.usage', '2500000\n');
    await put('sys/fs/cgroup/memory/cmig/shop/db/memory.usage_in_bytes', '1000\n');
    await put('sys/fs/cgroup/memory/cmig/shop/db/memory.stat', 'inactive_file 1\ntotal_inactive_file 100\n');
    await put('sys/fs/cgroup/pids/cmig/shop/db/pids.current', '4\n');
    expect(await readContainerCounters('/cmig', root)).toEqual([db]);
  });

  it('reads cgroup v2', async () => {
    await put('sys/fs/cgroup/cgroup.controllers', 'cpu memory pids\n');
    await put('sys/fs/cgroup/cmig/shop/db/cpu.stat', 'usage_usec 2500\nuser_usec 1\n');
    await put('sys/fs/cgroup/cmig/shop/db/memory.current', '1000\n');
    await put('sys/fs/cgroup/cmig/shop/db/memory.stat', 'anon 5\ninactive_file 100\n');
    await put('sys/fs/cgroup/cmig/shop/db/pids.current', '4\n');
    expect(await readContainerCounters('/cmig', root)).toEqual([db]);
  });

  it('finds nothing where no container runs', async () => {
    expect(await readContainerCounters('/cmig', root)).toEqual([]);
  });
});

describe('compare', () => {
  const host = (cpuBusyTicks: number, cpuTotalTicks: number, receivedBytes: number) => ({
    ...{ cpuBusyTicks, cpuTotalTicks, receivedBytes },
    ...{ memoryUsedBytes: 5, sentBytes: 0 },
  });
  const container = (name: string, cpuMicroseconds: number) => ({
    ...{ application: 'shop', container: name, cpuMicroseconds },
    ...{ memoryBytes: 1, pids: 1 },
  });

  it('makes rates of two measurements; new and restarted containers have used nothing yet', () => {
    const before = {
      timeMs: 1000,
      host: host(100, 1000, 4000),
      containers: [container('db', 1_000_000), container('web', 9_000_000)],
    };
    const after = {
      timeMs: 3000,
      host: host(200, 1400, 10_000),
      containers: [container('db', 2_000_000), container('web', 10), container('new', 5_000_000)],
    };
    const { statistics, containers } = compare(before, after);
    expect(statistics).toEqual({
      cpu: 0.25,
      memoryUsedBytes: 5,
      receivedBytesPerSecond: 3000,
      sentBytesPerSecond: 0,
    });
    expect(containers.map(({ container: name, cpu }) => [name, cpu])).toEqual([
      ['db', 0.5],
      ['web', 0],
      ['new', 0],
    ]);
  });
});
