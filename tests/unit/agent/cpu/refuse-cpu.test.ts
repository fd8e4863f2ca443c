// What is said of a CPU that is not enough for an application with a baseline.
import { describe, expect, it } from '@jest/globals';
import { baselineRefusal, emulationRefusal } from '../../../../agent/cpu/refuse-cpu.ts';
import type { ApplicationManifest } from '../../../../src/contract/application.ts';
import { featuresOf } from '../../../../src/contract/cpu-baseline.ts';

const manifest = (cpu?: ApplicationManifest['spec']['cpu']): ApplicationManifest => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name: 'shop' },
  spec: { host: 'host-a', containers: [{ name: 'db', image: 'dir:db' }], ...(cpu ? { cpu } : {}) },
});
const v2 = manifest({ baseline: 'x86-64-v2' });

describe('a CPU below the baseline', () => {
  it('is refused with the names of what it lacks, and no other is', () => {
    expect(baselineRefusal(v2, 'host-b', ['cx16', 'lahf_lm', 'pni', 'popcnt', 'ssse3'])).toMatchObject({
      message: 'host-b lacks CPU features of x86-64-v2, the baseline of shop: sse4_1, sse4_2',
    });
    expect(baselineRefusal(v2, 'host-b', featuresOf('x86-64-v2'))).toBeUndefined();
    expect(baselineRefusal(manifest(), 'host-b', [])).toBeUndefined();
  });
});

describe('a CPU for what is emulated', () => {
  it('needs none of the baseline, but what the one has on which it was started', () => {
    expect(
      baselineRefusal(manifest({ baseline: 'x86-64-v2', emulated: true }), 'host-b', []),
    ).toBeUndefined();
    const code = { unheld: [], startedOn: ['avx2', 'ssse3'] };
    expect(emulationRefusal('shop', code, 'host-b', ['ssse3'])?.message).toMatch(/^host-b lacks .*: avx2$/);
    expect(emulationRefusal('shop', code, 'host-b', ['avx2', 'sse4_1', 'ssse3'])).toBeUndefined();
  });
});
