import { describe, expect, it } from '@jest/globals';
import { listMappedFiles, locateFile, readMappedFiles } from '../../../../agent/transfer/mapped-files.ts';

describe('readMappedFiles', () => {
  it('names what is mapped shared and writable, and nothing else', () => {
    expect(
      readMappedFiles(
        [
          '7f57c89e1000-7f57c89e3000 rw-s 00000000 fe:00 2146399                    /data/my db',
          '7f57c89e1000-7f57c89e3000 -w-s 00000000 fe:00 2146400                    /data/odd\\012name',
          '7f57c89e3000-7f57c89e4000 r--s 00000000 fe:00 2146401                    /data/read',
          '7f57c89e3000-7f57c89e4000 rw-p 00000000 fe:00 2146402                    /usr/lib/libc.so.6',
          '7f57c89e3000-7f57c89e4000 rw-s 00000000 00:01 2146403                    /dev/zero (deleted)',
          '7f57c89e3000-7f57c89e4000 rw-s 00000000 00:01 0 ',
          '7ffd1c000000-7ffd1c021000 rw-p 00000000 00:00 0                          [stack]',
        ].join('\n'),
      ),
    ).toEqual(['/data/my db', '/data/odd\nname']);
  });

  it('passes over a process that is gone', async () => {
    expect(await listMappedFiles([2 ** 30, process.pid])).toEqual(expect.any(Array));
  });
});

describe('locateFile', () => {
  const db = {
    name: 'db',
    volumes: [
      { name: 'data', mountPath: '/data' },
      { name: 'hot', mountPath: '/data/hot' },
    ],
  };
  it.each([
    ['/data/x/y', 'volumes/data/x/y'],
    ['/data/hot/y', 'volumes/hot/y'],
    ['/database', 'containers/db/upper/database'],
    ['/var/lib/x', 'containers/db/upper/var/lib/x'],
  ])('%s is %s', (path, located) => {
    expect(locateFile(db, path)).toBe(located);
  });
});
