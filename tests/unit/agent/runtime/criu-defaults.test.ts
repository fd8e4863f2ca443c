// A criu that cannot be used is told of when the agent starts, not in the middle of a migration.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { writeCriuDefaults } from '../../../../agent/runtime/criu-defaults.ts';

it('the options are written where criu reads them, and what does not start with them is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'criu-defaults-'));
  try {
    const file = join(folder, 'defaults.conf');
    await expect(writeCriuDefaults(file, '/bin/false')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^criu cannot be used: .*false failed with exit code 1/),
      hint: expect.stringContaining('criu 4.1 or later'),
    });
    expect(await writeCriuDefaults(file, '/bin/true')).toEqual({ CRIU_CONFIG_FILE: file });
    expect(await readFile(file, 'utf8')).toBe('network-lock skip\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
