// What the design allows: in which states an application may be, after commands that ran beside each other and what they said.

/** `version`: the label of the manifest that it has. */
export interface Present {
  host: string;
  runs: boolean;
  version: string;
}
/** Absent: there is no such application. */
export type State = Present | undefined;

/** A command as it concerns one application. */
export interface Deed {
  kind: DeedKind;
  /** What was asked for, where it says so. */
  host?: string | undefined;
  /** Of a migration: where it may have gone. */
  hosts?: readonly string[];
  version?: string;
  checkpoint?: string;
  /** Of the checkpoint: what may come of it. */
  versions?: readonly string[];
  checkpointHosts?: readonly string[];
  /** Of a checkpoint: the application does not run on. */
  stops?: boolean;
  exitCode: number | undefined;
  startedAt: number;
  endedAt: number;
  /** Interrupted or killed: it may have gone either way, and may go on after its end. */
  cut: boolean;
  text: string;
}
export type DeedKind = 'apply' | 'migrate' | 'stop' | 'start' | 'delete' | 'checkpoint' | 'restore' | 'look';

const key = (state: State): string => (state ? `${state.host} ${state.runs} ${state.version}` : 'absent');

/** What it becomes where all went well; nothing where that cannot be, from there. */
function done(deed: Deed, state: State): State[] {
  if (deed.kind === 'apply') {
    if (!state) return [{ host: deed.host!, runs: true, version: deed.version! }];
    return [{ ...state, version: deed.version! }];
  }
  if (deed.kind === 'restore') {
    const versions = [...(deed.versions ?? []), ...(state ? [state.version] : [])];
    const hosts = deed.host ? [deed.host] : state ? [state.host] : (deed.checkpointHosts ?? []);
    return hosts.flatMap((host) => versions.map((version) => ({ host, runs: true, version })));
  }
  if (!state) return [];
  switch (deed.kind) {
    case 'migrate':
      return state.runs
        ? deed.hosts!.filter((host) => host !== state.host).map((host) => ({ ...state, host }))
        : [];
    case 'stop':
      return [{ ...state, runs: false }];
    case 'start':
      return [{ ...state, runs: true }];
    case 'delete':
      return [undefined];
    case 'checkpoint':
      return state.runs ? [{ ...state, runs: !deed.stops }] : [];
    default:
      return [state];
  }
}

/** What a failure may leave, beside what was. */
function half(deed: Deed, state: State): State[] {
  if (!state) return [];
  if (deed.kind === 'restore' && deed.host) return [{ ...state, host: deed.host }];
  if (deed.kind === 'delete') return [{ ...state, runs: false }];
  return [];
}

function after(deed: Deed, state: State, disturbed: boolean): State[] {
  const { exitCode, kind, cut } = deed;
  const either = [state, ...done(deed, state), ...half(deed, state)];
  // What came to the host is done, whether or not anybody hears of it.
  if (cut || exitCode === undefined) return either;
  switch (exitCode) {
    case 0:
      return done(deed, state);
    case 3:
      return kind === 'restore' || state === undefined || disturbed ? [state] : [];
    case 4:
    case 5:
    case 9:
      return [state, ...(kind === 'restore' ? half(deed, state) : [])];
    case 6:
      return [state];
    default:
      return either;
  }
}

/**
 * All states in which it may be at the end: commands that were over before others began were first, those beside each other
 * in any order. @returns empty where what they said cannot be
 * @param disturbed something was broken meanwhile
 */
export function statesAfter(before: readonly State[], deeds: readonly Deed[], disturbed: boolean): State[] {
  const found = new Map<string, State>();
  const seen = new Set<string>();
  const explore = (state: State, left: readonly Deed[]): void => {
    const mark = `${key(state)}|${left.map(({ startedAt }) => startedAt).join()}`;
    if (seen.has(mark)) return;
    seen.add(mark);
    if (left.length === 0) {
      found.set(key(state), state);
      return;
    }
    const firstEnd = Math.min(...left.map((deed) => endOf(deed, disturbed)));
    for (const deed of left.filter(({ startedAt }) => startedAt <= firstEnd)) {
      const rest = left.filter((each) => each !== deed);
      for (const next of after(deed, state, disturbed)) explore(next, rest);
    }
  };
  for (const state of before) explore(state, deeds);
  return [...found.values()];
}

const endOf = ({ cut, exitCode, endedAt }: Deed, disturbed: boolean): number =>
  cut || exitCode === undefined || (disturbed && exitCode !== 0) ? Number.POSITIVE_INFINITY : endedAt;

/**
 * Where nothing else went on with it, and nothing was broken: what the command must end with.
 * @param cordoned hosts that take no further application
 */
export function expectedCodes(deed: Deed, state: State, cordoned: ReadonlySet<string>): number[] {
  const { kind, host } = { host: deed.hosts?.[0], ...deed };
  // One that is stopped stays so, and is never ready.
  if (kind === 'apply' && state && !state.runs) return [0, 1];
  if (kind === 'apply') return state || !cordoned.has(host!) ? [0] : [4];
  if (kind === 'restore') {
    if (!state) return cordoned.has(host ?? deed.checkpointHosts?.[0] ?? '') ? [4] : [0, 4];
    if (host && host !== state.host) {
      if (cordoned.has(host)) return [4];
      return state.runs ? [0] : [4];
    }
    return [0];
  }
  if (!state) return [3];
  switch (kind) {
    case 'migrate':
      if (state.host === host) return [4];
      return !state.runs || cordoned.has(host!) ? [5] : [0];
    case 'checkpoint':
      return state.runs ? [0] : [4];
    case 'look':
      // Its logs are there, but nothing runs in which a program could be run.
      return state.runs ? [0] : [0, 4];
    default:
      return [0];
  }
}

export const tellState = (state: State): string =>
  state ? `${state.runs ? 'running' : 'stopped'} on ${state.host}, version ${state.version}` : 'absent';
export const isSame = (a: State, b: State): boolean => key(a) === key(b);
