// The judge of the fault matrix must be able to fail: whatever is wrong on a host by one thing only is seen.
import { describe, expect, it } from '@jest/globals';
import type { HostSurvey } from '../../faults/survey.ts';
import { judge } from '../../faults/verdict.ts';

const expectation = { application: 'pair', containers: ['one', 'two'], program: 'python3' };

const empty = (host: string): HostSurvey => ({
  ...{ host, containers: [], namespaces: [], locked: [], linked: [], links: 0, mounts: [], strayMounts: [] },
  ...{ processes: [], frozenCgroups: [], cgroups: [], applications: [], journals: [], temporary: [] },
  runFolders: [],
});
const python = { argv: ['python3', '-c', '…'], state: 'S' };
const processes = [{ argv: ['/usr/bin/conmon', '-c', 'pair.one'], state: 'S' }, python, python];
const owner = (host: string): HostSurvey => ({
  ...empty(host),
  containers: ['one', 'two'].map((name, index) => ({
    id: `pair.${name}`,
    status: 'running',
    pid: index + 7,
  })),
  ...{ namespaces: ['pair'], linked: ['pair'], links: 1, mounts: ['pair'], cgroups: ['pair', 'pair/one'] },
  processes,
  applications: [{ name: 'pair' }],
  journals: [{ id: 'm-1', state: 'finished' }],
  runFolders: ['/run/cmig/runc/pair.one'],
});

describe('the judge', () => {
  it('passes one whole copy and a clean other host', () => {
    expect(judge([owner('a'), empty('b')], expectation)).toEqual({ runsOn: 'a', problems: [] });
  });

  it('sees two copies, and none', () => {
    expect(judge([owner('a'), owner('b')], expectation).problems).toContain('copies run on a and b');
    expect(judge([empty('a'), empty('b')], expectation).problems).toContain('no copy runs');
  });

  const [one, two] = owner('a').containers;
  it.each<[string, Partial<HostSurvey>]>([
    ['half a copy', { containers: [one!] }],
    ['a paused container', { containers: [one!, { ...two!, status: 'paused' }] }],
    ['a lock', { locked: ['pair'] }],
    ['a link that is down', { linked: [] }],
    ['a record that names a migration', { applications: [{ name: 'pair', migration: 'm-1' }] }],
    ['a frozen cgroup', { frozenCgroups: ['pair/one'] }],
    ['a mount of runc', { strayMounts: ['/run/cmig/runc/pair.one/root'] }],
    ['a stopped process', { processes: [...processes, { argv: ['sleep'], state: 'T' }] }],
    ['a criu', { processes: [...processes, { argv: ['criu: dump --rpc -t 7'], state: 'S' }] }],
    [
      'a hook that waits',
      { processes: [...processes, { argv: ['sh', '/run/cmig/containers/x/hook'], state: 'S' }] },
    ],
    ['images of frozen memory', { temporary: ['migrations/m-1/images'] }],
    ['a migration that is not over', { journals: [{ id: 'm-1', state: 'permitted' }] }],
  ])('sees with the copy: %s', (_, wrong) => {
    expect(judge([{ ...owner('a'), ...wrong }, empty('b')], expectation).problems).not.toEqual([]);
  });

  it.each<[string, Partial<HostSurvey>]>([
    ['a namespace', { namespaces: ['pair'] }],
    ['a link', { links: 1 }],
    ['a mounted root', { mounts: ['pair'] }],
    ['files', { applications: [{ name: 'pair' }] }],
    ['a stopped container', { containers: [{ id: 'pair.one', status: 'stopped', pid: 0 }] }],
    ['a cgroup', { cgroups: ['pair/one'] }],
    ['a run folder', { runFolders: ['/run/cmig/containers/pair.one'] }],
    ['a process that runc has lost', { processes: [python] }],
    ['a shim', { processes: [{ argv: ['/usr/bin/conmon'], state: 'S' }] }],
    ['a delivery', { temporary: ['incoming/m-1'] }],
  ])('sees on the other host: %s', (_, left) => {
    expect(judge([owner('a'), { ...empty('b'), ...left }], expectation).problems).not.toEqual([]);
  });
});
