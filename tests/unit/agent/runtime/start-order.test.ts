// Containers start after those they depend on, and come back more slowly the more often they end.
import { describe, expect, it } from '@jest/globals';
import { isRestarted, restartDelayMs, startWaves } from '../../../../agent/runtime/start-order.ts';

describe('startWaves', () => {
  it('puts what is independent side by side', () => {
    const containers = [
      { name: 'web', dependsOn: ['db', 'cache'] },
      { name: 'db' },
      { name: 'cache' },
      { name: 'proxy', dependsOn: ['web'] },
    ];
    expect(startWaves(containers)).toEqual([['db', 'cache'], ['web'], ['proxy']]);
  });

  it('refuses a circle and names who is in it', () => {
    const containers = [{ name: 'a', dependsOn: ['b'] }, { name: 'b', dependsOn: ['a'] }, { name: 'free' }];
    expect(() => startWaves(containers)).toThrow(/a, b depend on each other/);
  });

  it('refuses a dependency that does not exist', () => {
    expect(() => startWaves([{ name: 'a', dependsOn: ['nobody'] }])).toThrow(/depends on nobody/);
  });
});

describe('restarts', () => {
  it('wait 1 s, 2 s, 4 s … and never more than a minute', () => {
    expect([1, 2, 3, 7, 100].map(restartDelayMs)).toEqual([1000, 2000, 4000, 60_000, 60_000]);
  });

  it('follow the policy; an unknown exit code is a failure', () => {
    expect(isRestarted('Always', 0)).toBe(true);
    expect(isRestarted('OnFailure', 0)).toBe(false);
    expect(isRestarted('OnFailure', undefined)).toBe(true);
    expect(isRestarted('Never', 1)).toBe(false);
  });
});
