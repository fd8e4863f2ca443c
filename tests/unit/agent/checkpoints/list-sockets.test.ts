// The sockets of a checkpoint: those of this very process, and addresses as the kernel writes them.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { listSockets, readInternet, readUnix } from '../../../../agent/checkpoints/list-sockets.ts';
import { waitFor } from '../../../../src/core/retry.ts';

describe('the sockets of a process', () => {
  it('are listed with their state, both their ends and what waits in them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cmig-sockets-'));
    const accepted: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
    server.listen(0, '127.0.0.1');
    const named = createServer().listen(join(folder, 'a name'));
    await Promise.all([once(server, 'listening'), once(named, 'listening')]);
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.write('12345');
    const local = `127.0.0.1:${client.localPort}`;
    const peer = `127.0.0.1:${port}`;
    const list = () => listSockets([{ name: 'main', pids: [process.pid] }]);
    try {
      const received = async () =>
        (await list()).some((each) => each.local === peer && each.receiveQueueBytes === 5);
      await waitFor(received, { timeoutMs: 20_000, what: 'what was sent being there to be read' });
      const socket = { container: 'main', pid: process.pid, sendQueueBytes: 0, receiveQueueBytes: 0 };
      expect(await list()).toEqual(
        expect.arrayContaining([
          { ...socket, protocol: 'tcp', state: 'LISTEN', local: peer },
          {
            ...socket,
            protocol: 'tcp',
            state: 'ESTABLISHED',
            local: peer,
            peer: local,
            receiveQueueBytes: 5,
          },
          { ...socket, protocol: 'tcp', state: 'ESTABLISHED', local, peer },
          { ...socket, protocol: 'unix', state: 'LISTEN', local: join(folder, 'a name') },
        ]),
      );
    } finally {
      client.destroy();
      for (const socket of accepted) socket.destroy();
      server.close();
      named.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('are read from what the kernel shows, whatever their family', () => {
    const line = (local: string, peer: string, state: string) =>
      `   0: ${local} ${peer} ${state} 00000010:00000002 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n`;
    const none = '00000000000000000000000000000000:0000';
    const read = (text: string, protocol: 'tcp' | 'udp' = 'tcp') =>
      readInternet(`  sl …\n${text}`, protocol)[0];
    expect(read(line('0100000A:0050', '0200000A:9C40', '08'))).toEqual([
      '77',
      {
        ...{ protocol: 'tcp', state: 'CLOSE-WAIT', local: '10.0.0.1:80', peer: '10.0.0.2:40000' },
        ...{ sendQueueBytes: 16, receiveQueueBytes: 2 },
      },
    ]);
    expect(read(line(none.replace(':0000', ':1F90'), none, '0A'))?.[1]).toEqual({
      ...{ protocol: 'tcp', state: 'LISTEN', local: '[::]:8080', sendQueueBytes: 0, receiveQueueBytes: 0 },
    });
    const mapped = '0000000000000000FFFF00000100007F:0050';
    expect(read(line(mapped, 'B80D0120000000000000000001000000:0001', '01'))?.[1]).toMatchObject({
      local: '127.0.0.1:80',
      peer: '[2001:db8::1]:1',
    });
    expect(read(line('00000000:0035', '00000000:0000', '07'), 'udp')?.[1]).toMatchObject({
      state: 'UNCONNECTED',
      local: '0.0.0.0:53',
    });
    const unix = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
    const rows = ['00000000 0001 03 41', '00010000 0001 01 42 @abstract', '00000000 0002 01 43'];
    const text = rows.map((row) => `0000000000000000: 00000002 00000000 ${row}\n`).join('');
    expect(readUnix(unix + text).map(([inode, { state, local }]) => [inode, state, local])).toEqual([
      ['41', 'ESTABLISHED', '*'],
      ['42', 'LISTEN', '@abstract'],
      ['43', 'UNCONNECTED', '*'],
    ]);
  });
});
