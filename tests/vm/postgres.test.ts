// A database of many processes and shared memory, run by its own user: it goes back to a point, on any host, in any order.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { images } from '../e2e/lab.ts';
import { useMachines } from './machines.ts';
import { applyApplication, cmigOk } from './slow-cmig.ts';

const psql = ['psql', '-U', 'postgres', '-h', '/tmp', '-qAtc'];
/** What they answer. A session takes its time on an emulated machine. */
const sql = async (...statements: string[]): Promise<string> =>
  (await cmigOk('exec', 'ledger', '--', ...psql, statements.join('; '))).trim();
const insert = (from: number, to: number): string =>
  `insert into entries select n, md5(n::text) from generate_series(${from}, ${to}) n`;
/** How many rows, the last, and a checksum over all. */
const state = `select count(*), max(n), md5(string_agg(n || text, ',' order by n)) from entries`;
const restore = (name: string, ...options: string[]): Promise<string> =>
  cmigOk('restore', 'ledger', '--checkpoint', name, '--discard-current', ...options);

describe('PostgreSQL', () => {
  useMachines();

  it('agrees with the checkpoint it is set back to, on the same host and on another', async () => {
    await applyApplication('ledger', {
      host: 'vm-a',
      containers: [
        {
          name: 'database',
          image: `dir:${join(images, 'postgres')}`,
          command: ['postgres', '-D', '/data'],
          user: '1000:1000',
          ready: { tcp: 5432 },
        },
      ],
    });
    const first = await sql('create table entries (n int primary key, text text)', insert(1, 1000), state);
    expect(first).toMatch(/^1000\|1000\|/);
    await cmigOk('checkpoint', 'ledger', '--name', 'first');
    const second = await sql(
      insert(1001, 3000),
      'update entries set text = text || text where n % 2 = 0',
      state,
    );
    await cmigOk('checkpoint', 'ledger', '--name', 'second');
    await sql('delete from entries where n < 2500');

    await restore('first');
    // It still writes, too.
    expect(await sql(state, insert(1001, 1010))).toBe(first);
    await restore('second', '--host', 'vm-b');
    expect(await sql(state, insert(3001, 3010))).toBe(second);
    await restore('first', '--host', 'vm-b');
    expect(await sql(state, insert(1001, 1100))).toBe(first);
    // It finds every row by its index.
    expect(
      await sql('set enable_seqscan = off', 'select count(*) from entries where n between 1 and 1100'),
    ).toBe('1100');
    await cmigOk('delete', 'ledger');
  });
});
