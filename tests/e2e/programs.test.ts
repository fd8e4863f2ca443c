// Real programs, each under load from a client, survive a move.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { addressOf, cmigOk, images, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { RequestLoop } from './request-loop.ts';
import { settings } from './settings.ts';

/** Each as [image, command]; they stream numbers on port 7000. */
const streamers: Record<string, string[]> = {
  python: ['python3', '/app/ticker.py'],
  node: ['node', '/app/ticker.cjs'],
  jvm: ['java', '-Xint', '-Xmx64m', '-cp', '/app', 'Ticker'],
};

describe('a move under load', () => {
  useLab();
  let folder: string;

  /** Resolves with its address. */
  async function deploy(image: string, command: string[], port: number): Promise<string> {
    const file = join(folder, `${image}.yaml`);
    await writeFile(
      file,
      stringify({
        apiVersion: 'cmig.dev/v1',
        kind: 'Application',
        metadata: { name: image },
        spec: {
          host: 'host-a',
          containers: [
            { name: 'main', image: `dir:images/${image}`, command, ready: { tcp: port, timeout: '2m' } },
          ],
        },
      }),
    );
    await cmigOk('apply', '-f', file, '--allow-outside', '--wait');
    return await addressOf(image);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'e2e-'));
    await symlink(images, join(folder, 'images'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(Object.entries(streamers))('%s goes on where it was', async (image, command) => {
    const address = await deploy(image, command, 7000);
    const streams = await Promise.all(
      [1, 2, 3].map(() => NumberedStream.open({ host: address, port: 7000 })),
    );
    try {
      await Promise.all(streams.map((stream) => stream.more(5)));
      await cmigOk('migrate', image, 'host-b');
      await Promise.all(streams.map((stream) => stream.more(10)));
      expect(streams.flatMap(({ problems }) => problems)).toEqual([]);
    } finally {
      for (const stream of streams) stream.close();
      await cmigOk('delete', image);
    }
  });

  it.each([
    [
      'nginx',
      ['nginx', '-c', '/app/nginx.conf'],
      80,
      'GET / HTTP/1.1\r\nHost: nginx\r\n\r\n',
      /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nserved by nginx\n$/,
    ],
    [
      'redis',
      ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''],
      6379,
      'INCR moves\r\n',
      /^:\d+\r\n$/,
    ],
  ] as const)(
    '%s answers every request on connections that stay open',
    async (image, command, port, request, answer) => {
      const address = await deploy(image, [...command], port);
      const loops = await Promise.all(
        [1, 2, 3].map(() => RequestLoop.open({ host: address, port, request, answer })),
      );
      try {
        await Promise.all(loops.map((loop) => loop.more(10)));
        await cmigOk('migrate', image, 'host-b');
        await Promise.all(loops.map((loop) => loop.more(10)));
        expect(loops.flatMap(({ problems }) => problems)).toEqual([]);
      } finally {
        for (const loop of loops) loop.close();
        await cmigOk('delete', image);
      }
    },
  );
});
