import { describe, expect, it } from '@jest/globals';
import { transferError } from '../../../../agent/transfer/transfer-error.ts';
import type { HostRecord } from '../../../../src/contract/host.ts';
import { CmigError } from '../../../../src/core/errors.ts';

const peer = { name: 'host-b', address: '10.0.0.2', sshPort: 22 } as HostRecord;
const broken = 'client_loop: send disconnect: Broken pipe';

describe('what a failed rsync is told as', () => {
  it('is a peer that went away where ssh says so', () => {
    const error = new CmigError('tool-failed', 'rsync exited with 255', {
      tool: { argv: ['rsync'], exitCode: 255, output: [broken] },
    });
    expect(transferError(error, peer)).toMatchObject({ code: 'unreachable' });
  });

  it('is its own death where it was killed, whatever ssh made of that', () => {
    const error = new CmigError('tool-failed', 'rsync was killed by SIGKILL', {
      tool: { argv: ['rsync'], signal: 'SIGKILL', output: [broken] },
    });
    expect(transferError(error, peer)).toBe(error);
  });
});
