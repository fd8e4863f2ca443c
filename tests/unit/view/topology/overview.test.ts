import { describe, expect, it } from '@jest/globals';
import { glyphs } from '../../../../src/view/glyphs.ts';
import type { ReadModel } from '../../../../src/view/read-model/read-model.ts';
import { reduceModel } from '../../../../src/view/read-model/reduce-model.ts';
import { plainText } from '../../../../src/view/spans.ts';
import { drawOverview, drawSnapshot } from '../../../../src/view/topology/overview.ts';
import { filterTopology } from '../../../../src/view/topology/topology-filter.ts';
import { applicationOn, eventOf, hostNamed, known, measured, startMs, told } from '../read-model/states.ts';

const west = () =>
  told(
    known([hostNamed('host-a', { zone: 'west' }), hostNamed('host-b')], [applicationOn('host-a')]),
    measured('host-a'),
    measured('host-b'),
  );
const move = { application: 'shop', migration: 'm-12345678', from: 'host-a', to: 'host-b' };
const moving = (state: ReadModel) =>
  told(
    state,
    eventOf('migration.started', 'host-a', { ...move, strategy: 'stop-and-copy' }),
    eventOf('migration.frozen', 'host-a', { ...move, connections: 3 }),
    eventOf('migration.progressed', 'host-a', {
      ...move,
      step: 'transfer',
      bytes: 12 * 2 ** 20,
      totalBytes: 48 * 2 ** 20,
      bytesPerSecond: 8 * 2 ** 20,
    }),
  );

function draw(
  topology: ReadModel,
  columns: number,
  rows: number,
  more: { unicode?: boolean; nowMs?: number; selected?: string; filter?: string } = {},
) {
  const { unicode = true, nowMs = startMs + 1500, selected, filter = '' } = more;
  const drawn = drawOverview({
    ...{ topology, columns, rows, nowMs, selected, filter },
    context: 'prod',
    shown: filterTopology(topology, filter),
    glyphs: glyphs(unicode),
  });
  return { ...drawn, text: drawn.lines.map(plainText) };
}

describe('the overview', () => {
  it('tells of a host that is cordoned, and when it is no longer', () => {
    const cordoned = told(west(), eventOf('host.cordoned', 'host-b', { by: 'ann@desk' }));
    expect(draw(cordoned, 80, 22).text.join('\n')).toMatch(/─ host-b ─+ Ready, cordoned ─╮/);
    const lifted = told(cordoned, eventOf('host.uncordoned', 'host-b', { by: 'ann@desk' }));
    expect(draw(lifted, 80, 22).text.join('\n')).toMatch(/─ host-b ─+ Ready ─╮/);
  });

  it('shows a host with its application and containers', () => {
    const text = draw(west(), 80, 22).text.join('\n');
    expect(text).toMatch(/─ host-a west ─+ Ready ─╮╭─ host-b ─+ Ready ─╮/);
    expect(text).toMatch(/10\.20\.0\.2\D+6\.12\.1 .*criu 4\.2\.1/);
    expect(text).toMatch(/cpu +[▁-█]+ 50%/);
    expect(text).toMatch(/mem +[▁-█]+ 13%/);
    expect(text).toMatch(/net +[▁-█]+ in 2 KiB\/s +out 100 B\/s/);
    expect(text).toContain('shop Running 10.20.1.7');
    expect(text).toMatch(/db +Running +25% 24 MiB/);
    expect(text).toMatch(/web Running +1% 1 MiB +2 restarts/);
  });

  it('draws a migration from box to box, with its step, bytes, rate and pause', () => {
    const text = draw(moving(west()), 80, 22).text;
    expect(text.join('\n')).toContain('shop Running ▶ host-b');
    expect(text.join('\n')).toContain('shop Incoming ◀ host-a');
    const line = text.find((each) => /^shop host-a ━+▶┄+ host-b/.test(each));
    expect(line).toMatch(/transfer +frozen 1\.5 s +25% of 48 MiB +8 MiB\/s/);
    const ended = told(moving(west()), eventOf('migration.finished', 'host-a', { ...move, frozenMs: 840 }));
    expect(draw(ended, 80, 22).text.join('\n')).toMatch(
      /shop host-a ━+▶ host-b +committed, frozen for 0\.84 s/,
    );
    expect(draw(ended, 80, 22, { nowMs: startMs + 60_000 }).text.join('\n')).not.toContain('migrations ─');
  });

  it('says what it does not know', () => {
    const later = draw(west(), 80, 22, { nowMs: startMs + 20_000 }).text.join('\n');
    expect(later).toMatch(/2 hosts \(2 not ready\)/);
    expect(later).toMatch(/host-a west ─+ NotReady/);
    expect(later).toMatch(/not heard of since \d\d:\d\d:\d\d \(20s ago\)|not heard of since .*…/);
    expect(later).toContain('shop was Running');
    const lost = reduceModel(west(), { type: 'connection', connected: false }, startMs);
    expect(draw(lost, 80, 22, { nowMs: startMs + 5000 }).text[0]).toMatch(
      /broker gone since .*\(5s\), reconnecting$/,
    );
  });

  it('keeps to its rows and columns, whatever there is to show', () => {
    const hosts = Array.from({ length: 30 }, (_, n) =>
      hostNamed(`host-${n}`, { zone: `a-rather-long-place-${n}` }),
    );
    const applications = hosts.flatMap(({ metadata: { name } }) =>
      ['x', 'y', 'z'].map((each) => applicationOn(name, `${each}-application-of-${name}`)),
    );
    const full = moving(known(hosts, applications));
    for (const state of [known([]), west(), moving(west()), full]) {
      for (const [columns, rows] of [
        [80, 22],
        [200, 58],
        [40, 10],
        [20, 5],
        [81, 23],
      ] as const) {
        for (const unicode of [true, false]) {
          const { text } = draw(state, columns, rows, { unicode });
          expect(text.length).toBe(rows);
          expect(Math.max(...text.map((line) => line.length))).toBeLessThanOrEqual(columns);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII is what must not be there
          if (!unicode) expect(text.join('')).toMatch(/^[\x00-\x7f]*$/);
        }
      }
    }
  });

  it('shows what is selected, wherever it is', () => {
    const hosts = Array.from({ length: 50 }, (_, n) => hostNamed(`host-${n}`));
    const state = known(hosts, [applicationOn('host-49')]);
    const { items } = draw(state, 80, 22);
    expect(items.length).toBe(51);
    for (const { key } of items)
      expect(draw(state, 80, 22, { selected: key }).text.join('\n')).toContain(`▸${key.split('/')[1]} `);
  });

  it('gives up detail before it hides a host', () => {
    const hosts = Array.from({ length: 6 }, (_, n) => hostNamed(`host-${n}`));
    const state = known(
      hosts,
      hosts.map(({ metadata }) => applicationOn(metadata.name, `app-of-${metadata.name}`)),
    );
    const text = draw(state, 80, 24).text.join('\n');
    for (const { metadata } of hosts) expect(text).toContain(`app-of-${metadata.name} `);
    expect(text).toContain('2/2');
  });

  it('leaves what the filter leaves: names, labels, and the hosts of what matches', () => {
    const state = known(
      [hostNamed('host-a', { zone: 'west' }), hostNamed('host-b', { zone: 'east' })],
      [applicationOn('host-a', 'shop', { tier: 'web' }), applicationOn('host-a', 'mail', { tier: 'back' })],
    );
    const left = (filter: string) => draw(state, 80, 22, { filter }).items.map(({ key }) => key);
    const all = ['host/host-a', 'application/mail', 'application/shop', 'host/host-b'];
    expect(left('')).toEqual(all);
    expect(left('sho')).toEqual(['host/host-a', 'application/shop']);
    expect(left('tier!=web ma')).toEqual(['host/host-a', 'application/mail']);
    expect(left('zone=east')).toEqual(['host/host-b']);
    expect(left('tier==')).toEqual([]);
    expect(draw(state, 80, 22, { filter: 'nothing' }).text.join('\n')).toContain('nothing matches "nothing"');
  });

  it('as a snapshot shows everything', () => {
    const hosts = Array.from({ length: 12 }, (_, n) => hostNamed(`host-${n}`));
    const topology = known(
      hosts,
      hosts.map(({ metadata }) => applicationOn(metadata.name, `app-of-${metadata.name}`)),
    );
    const lines = drawSnapshot({
      topology,
      context: 'prod',
      filter: '',
      nowMs: startMs,
      glyphs: glyphs(true),
      columns: 100,
    });
    const text = lines.map(plainText).join('\n');
    for (const { metadata } of hosts) expect(text).toContain(`app-of-${metadata.name} Running`);
  });
});
