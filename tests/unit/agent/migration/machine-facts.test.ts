// What is read from /proc of a machine and of an application's processes, and how two clocks are compared.
import { describe, expect, it } from '@jest/globals';
import { countSockets, hasShadowStack, labelOf } from '../../../../agent/migration/application-use.ts';
import { readHostFacts } from '../../../../agent/migration/host-facts.ts';
import { isBefore, leading } from '../../../../agent/migration/versions.ts';
import { fits } from '../../../../src/broker/schema-check.ts';
import { MachineFacts } from '../../../../src/contract/machine.ts';

describe('what processes have', () => {
  it('is their label, but for the one that sets no bounds', () => {
    expect(labelOf('docker-default (enforce)\n')).toBe('docker-default');
    expect(labelOf('runc (unconfined)\n')).toBe('runc');
    expect(labelOf('system_u:system_r:container_t:s0:c1,c2\0')).toBe(
      'system_u:system_r:container_t:s0:c1,c2',
    );
    for (const none of ['', '\n', 'unconfined\n']) expect(labelOf(none)).toBeUndefined();
  });

  it('is a shadow stack, and sockets', () => {
    expect(
      hasShadowStack('Threads:\t1\nx86_Thread_features:\tshstk wrss \nx86_Thread_features_locked:\t\n'),
    ).toBe(true);
    expect(hasShadowStack('x86_Thread_features:\t\nx86_Thread_features_locked:\tshstk wrss \n')).toBe(false);
    expect(countSockets(['  sl  local_address\n   0: 00\n   1: 00\n', '  sl\n', ''])).toBe(2);
  });
});

describe('facts of this machine', () => {
  it('are what the contract says', async () => {
    // Any program that tells a version will do for those that are not installed everywhere.
    const facts = await readHostFacts({
      runc: process.execPath,
      criu: process.execPath,
      conmon: '',
      env: { PATH: '' },
    });
    expect(fits(MachineFacts, facts)).toBe(true);
    expect([4096, 16384, 65536]).toContain(facts.pageSizeBytes);
    expect(facts.kernel).toMatch(/^\d+\.\d+/);
  });
});

describe('versions', () => {
  it('are compared number by number', () => {
    expect(['3.17.1', '4.1', '4.1.1', '4.9'].map((version) => isBefore(version, '4.1.1'))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isBefore('6.1.0-37-amd64', '6.13')).toBe(true);
    expect(isBefore('1.3.0-rc.2', '1.3.0')).toBe(false);
    expect(isBefore('unknown', '1')).toBeUndefined();
    expect(leading('6.18.44-amd64', 2)).toBe('6.18');
  });
});
