// A move between two machines with kernels, cgroups and capabilities of their own.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { images } from '../e2e/lab.ts';
import { NumberedStream } from '../e2e/numbered-stream.ts';
import { freePorts } from '../free-ports.ts';
import { useMachines } from './machines.ts';
import { addressOf, applyApplication, cmigJson, cmigOk } from './slow-cmig.ts';

describe('two real machines', () => {
  const machines = useMachines();

  it('move an application of another user than root, with an open connection', async () => {
    await applyApplication('ticker', {
      host: 'vm-a',
      containers: [
        {
          name: 'ticker',
          image: `dir:${join(images, 'busybox')}`,
          command: ['sh', '/app/ticker.sh'],
          user: '1000:1000',
          ready: { tcp: 7000 },
        },
      ],
    });
    expect((await cmigOk('exec', 'ticker', '--', 'id', '-u')).trim()).toBe('1000');
    const [port] = await freePorts(1);
    await machines['vm-a'].forward(port!, await addressOf('ticker'), 7000);
    const stream = await NumberedStream.open({ host: '127.0.0.1', port: port! });
    await stream.more(5, 120_000);

    const moved = await cmigJson('migrate', 'ticker', 'vm-b');
    expect(moved).toMatchObject({ outcome: 'committed', from: 'vm-a', to: 'vm-b', connections: 1 });
    await stream.more(20, 120_000);
    expect(stream.problems).toEqual([]);
    stream.close();
    expect((await machines['vm-b'].run('pgrep', '-u', '1000', '-c')).trim()).not.toBe('0');
    expect((await machines['vm-a'].try('pgrep', '-u', '1000', '-c')).stdout.trim()).toBe('0');
    await cmigOk('delete', 'ticker');
  });
});
