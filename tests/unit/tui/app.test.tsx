// The view as a user sees it and works it, on terminals of both sizes.
import { afterEach, describe, expect, it } from '@jest/globals';
import { CmigError } from '../../../src/core/errors.ts';
import type { MigrationReport } from '../../../src/orchestrator/migration/migrate.ts';
import type { TopologyActions } from '../../../src/tui/actions.ts';
import { App } from '../../../src/tui/app.tsx';
import type { ReadModel } from '../../../src/view/read-model/read-model.ts';
import { applicationOn, eventOf, hostNamed, known, measured, told } from '../view/read-model/states.ts';
import { type FakeTerminal, keys, openTerminal } from './terminal.ts';

/** Hosts that are there now: the view goes by the clock. */
function current(): ReadModel {
  const state = known(
    [hostNamed('host-a', { zone: 'west' }), hostNamed('host-b'), hostNamed('host-c')],
    [applicationOn('host-a')],
  );
  const now = Date.now();
  const hosts = [...state.hosts].map(([name, host]) => [name, { ...host, heardAtMs: now }] as const);
  const heard = { ...state, hosts: new Map(hosts), connection: { connected: true, sinceMs: now } };
  const fresh = (host: string) => ({ ...measured(host), time: new Date(now).toISOString() });
  return told(heard, fresh('host-a'), fresh('host-b'), fresh('host-c'));
}

class Feed {
  state = current();
  #listener = (): void => {};
  readonly subscribe = (listener: () => void) => {
    this.#listener = listener;
    return () => {};
  };
  put(state: ReadModel): void {
    this.state = state;
    this.#listener();
  }
}

const done: string[] = [];
const plan = {
  strategy: 'stop-and-copy',
  plan: ['check both hosts', 'freeze and dump'],
  warnings: ['a warning'],
  connections: 0,
};
const actions: TopologyActions = {
  async preflight(application, to) {
    done.push(`preflight ${application} ${to}`);
    if (to === 'host-c') {
      throw new CmigError('preflight-refused', `${application} cannot move`, {
        problems: [{ message: 'host-c has an older CPU', hint: 'choose another host' }],
      });
    }
    return plan as unknown as MigrationReport;
  },
  async migrate(application, to, strategy) {
    done.push(`migrate ${application} ${to} ${strategy}`);
    return 'it has moved';
  },
  async stop(application) {
    done.push(`stop ${application}`);
    throw new CmigError('conflict', 'another one is at it');
  },
  async start(application) {
    done.push(`start ${application}`);
    return 'it is started';
  },
  async cordon(host) {
    done.push(`cordon ${host}`);
    return `${host} is cordoned`;
  },
  async uncordon(host) {
    done.push(`uncordon ${host}`);
    return `${host} is uncordoned`;
  },
  async drain(host) {
    done.push(`drain ${host}`);
    return `${host} is drained`;
  },
  async *logs() {
    yield {
      type: 'log',
      container: 'web',
      stream: 'stdout',
      time: '2026-01-02T12:00:00Z',
      line: 'hello from web',
    };
  },
  pastEvents: async () => [
    eventOf('container.exited', 'host-a', { application: 'shop', container: 'db', exitCode: 3 }),
  ],
};

let terminal: FakeTerminal | undefined;
let feed: Feed;
function open(columns = 80, rows = 24, unicode = true): FakeTerminal {
  done.length = 0;
  feed = new Feed();
  const surroundings = { feed, actions, context: 'prod', color: false, unicode };
  terminal = openTerminal(columns, rows, <App surroundings={surroundings} filter="" />);
  return terminal;
}
afterEach(() => terminal?.end());

describe('the view', () => {
  it.each([
    [80, 24],
    [200, 60],
  ])('fills %i columns and %i rows and shows its keys', async (columns, rows) => {
    const view = open(columns, rows);
    await view.shows('shop Running');
    expect(view.screen().length).toBe(rows);
    expect(Math.max(...view.screen().map((line) => line.length))).toBeLessThanOrEqual(columns);
    const keyLine = () => view.screen().at(-1);
    expect(keyLine()).toMatch(/c cordon +d drain +e events +\/ filter +\? help +q quit$/);
    view.press(keys.down);
    await view.shows('▸shop');
    expect(keyLine()).toMatch(/m migrate +s stop +S start +l logs +e events +\/ filter +\? help +q quit$/);
    // Three boxes side by side where there is room for them.
    expect(/host-a.*host-b.*host-c/.test(view.screen().join('\n'))).toBe(columns === 200);
  });

  it('draws anew when something has changed, and when it is resized', async () => {
    const view = open();
    await view.shows('shop Running');
    feed.put(told(feed.state, eventOf('application.deleted', 'host-a', { application: 'shop' }, Date.now())));
    await view.shows('0 applications');
    view.resize(130, 40);
    await view.shows(/host-a.*host-b.*host-c/);
    expect(view.screen().length).toBe(40);
  });

  it('goes from an application to its migration, by way of what preflight says', async () => {
    const view = open();
    view.press('m');
    await view.shows('choose an application first');
    view.press(keys.down);
    await view.shows('▸shop');
    view.press('m');
    await view.shows('where to?');
    await view.shows(/▸ host-b +Ready/);
    expect(view.screen().join('\n')).not.toContain('host-a  ');
    view.press(keys.down, keys.enter);
    await view.shows('how?');
    view.press(keys.enter);
    await view.shows('preflight: refused');
    await view.shows('choose another host');
    view.press('y');
    view.press(keys.escape);
    await view.shows('how?');
    view.press(keys.escape);
    await view.shows('where to?');
    view.press(keys.enter);
    await view.shows('how?');
    view.press(keys.down, keys.enter);
    await view.shows('preflight: both hosts agree');
    await view.shows('warning: a warning');
    expect(done).toEqual(['preflight shop host-c', 'preflight shop host-b']);
    view.press('y');
    await view.shows('it has moved');
    expect(done.at(-1)).toBe('migrate shop host-b stop-and-copy');
    expect(view.screen()[0]).toMatch(/^cmig prod/);
  });

  it('asks before it stops, and says why it could not', async () => {
    const view = open();
    view.press('j', 's');
    await view.shows('Stop application/shop on host-a?');
    view.press('n');
    await view.shows('shop Running');
    view.press('s');
    await view.shows('Stop application/shop');
    view.press('y');
    await view.shows('another one is at it');
    expect(done).toEqual(['stop shop']);
    view.press('S');
    await view.shows('Start application/shop');
    view.press('y');
    await view.shows('it is started');
  });

  it('asks before it cordons, uncordons and drains a host, and names what is there', async () => {
    const view = open();
    view.press('c');
    await view.shows('Cordon host/host-a?');
    view.press('y');
    await view.shows('host-a is cordoned');
    feed.put(told(feed.state, eventOf('host.cordoned', 'host-a', { by: 'ann@desk' })));
    await view.shows(/c uncordon +d drain/);
    view.press('d');
    await view.shows('Drain host/host-a?');
    await view.shows('There now: shop (Running)');
    view.press('n', 'd', 'y');
    await view.shows('host-a is drained');
    view.press('c');
    await view.shows('Uncordon host/host-a?');
    view.press('y');
    await view.shows('host-a is uncordoned');
    expect(done).toEqual(['cordon host-a', 'drain host-a', 'uncordon host-a']);
    view.press(keys.down, 'd');
    await view.shows('choose a host first');
  });

  it('opens details, logs, events and help, and comes back', async () => {
    const view = open();
    view.press('j', keys.enter);
    await view.shows(/Name: +shop/);
    view.press('l');
    await view.shows('web | hello from web');
    view.press(keys.escape);
    await view.shows(/Name: +shop/);
    view.press('q', 'e');
    await view.shows('container db ended with exit code 3');
    view.press('q', '?');
    await view.shows('to the next or previous host');
    view.press('q');
    await view.shows('shop Running');
  });

  it('filters as one types', async () => {
    const view = open();
    view.press('/', 'z', 'one=we');
    await view.shows(/^\/zone=we/m);
    await view.shows('nothing matches');
    view.press('st');
    await view.shows('host-a west');
    expect(view.screen().join('\n')).not.toContain('host-b');
    view.press(keys.enter, keys.escape);
    await view.shows('host-b');
  });

  it('does without Unicode', async () => {
    const view = open(80, 24, false);
    await view.shows('shop Running');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII is what must not be there
    expect(view.screen().join('')).toMatch(/^[\x00-\x7f]*$/);
  });

  it('ends with q', async () => {
    const view = open();
    await view.shows('shop Running');
    view.press('q');
    await view.ended;
  });
});
