// The command lines that a machine's package manager is given.
import { describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../../src/core/run-process.ts';
import { packageManagers } from '../../../../src/orchestrator/joining/packages.ts';

describe('package managers', () => {
  it.each([
    [
      'apt-get',
      /^DEBIAN_FRONTEND=noninteractive apt-get -y -q .*-o DPkg::Lock::Timeout=300 .*install --no-install-recommends rsync conmon$/,
    ],
    ['dnf', /^dnf -y -q --setopt=install_weak_deps=False install rsync conmon$/],
  ] as const)('%s installs without asking, and nothing beside', (manager, line) => {
    expect(packageManagers[manager].install(['rsync', 'conmon'])).toMatch(line);
  });

  it.each(Object.entries(packageManagers))(
    '%s: every line is one that sh understands',
    async (_, manager) => {
      const { list, mend, refresh, remove } = manager;
      for (const line of [list, mend, refresh, remove, manager.install(['rsync'])])
        await runProcess('sh', ['-n', '-c', line]);
    },
  );

  it('lists what is installed here by its name, and nothing else', async () => {
    const { stdout } = await runProcess('sh', ['-c', packageManagers['apt-get'].list]);
    expect(stdout.split('\n')).toContain('dpkg');
    expect(stdout).toMatch(/^[a-z0-9][a-z0-9.+-]*$/m);
    expect(stdout).not.toMatch(/[^a-z0-9.+\n-]/);
  });
});
