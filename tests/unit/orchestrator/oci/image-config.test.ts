// A container gets from its image what its manifest does not say, by Docker's rules.
import { describe, expect, it } from '@jest/globals';
import type { Container } from '../../../../src/contract/application.ts';
import { configureContainer, type ImageConfig } from '../../../../src/orchestrator/oci/image-config.ts';

const accounts = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\n# no user\nweb:x:1000:100:web:/srv:/bin/sh\n12:x:7:8::/:\nbroken:x\n',
  group: 'root:x:0:\nusers:x:100:\nlog:x:40:web,other\naudio:x:41:web\nstaff:x:50:other\n',
};

const configure = (own: Partial<Container>, config: ImageConfig, taken: string[] = []) =>
  configureContainer(
    { name: 'main', image: 'oci:a', ...own },
    { config: { Entrypoint: ['/init'], Cmd: ['serve', '-v'], ...config }, accounts },
    new Set(taken),
  );
const container = (own: Partial<Container>, config: ImageConfig = {}): Container =>
  configure(own, config).container;

describe('what runs', () => {
  it.each<[string, Partial<Container>, string[]]>([
    ['the image’s entrypoint and command', {}, ['/init', 'serve', '-v']],
    ['other arguments', { args: ['stop'] }, ['/init', 'stop']],
    ['no arguments', { args: [] }, ['/init']],
    ['another command, without the image’s arguments', { command: ['sh'] }, ['sh']],
    ['all of the manifest’s', { command: ['sh'], args: ['-c', 'x'] }, ['sh', '-c', 'x']],
  ])('%s', (_what, own, expected) => {
    expect(container(own)).toEqual({ name: 'main', image: 'oci:a', command: expected });
  });

  it('must be said by somebody', () => {
    expect(() => container({ args: [] }, { Entrypoint: null })).toThrow('nothing says what container main');
    expect(container({}, { Entrypoint: null }).command).toEqual(['serve', '-v']);
  });
});

describe('the user', () => {
  it.each<[string, string, number[] | undefined]>([
    ['web', '1000:100', [40, 41]],
    ['1000', '1000:100', [40, 41]],
    ['web:staff', '1000:50', undefined],
    ['web:7', '1000:7', undefined],
    ['4711', '4711:0', undefined],
    ['4711:audio', '4711:41', undefined],
    // A name wins over the number that it looks like.
    ['12', '7:8', undefined],
  ])('%s of an image', (text, user, groups) => {
    const { user: found, groups: further } = container({}, { User: text });
    expect([found, further]).toEqual([user, groups]);
  });

  it('of the manifest wins', () => {
    const config = { User: 'web' };
    expect(container({ user: 'root' }, config)).toMatchObject({ user: '0:0' });
    // A number alone is the manifest's own word: uid:uid.
    expect(container({ user: '5' }, config).user).toBe('5');
    expect(container({ groups: [9] }, config).groups).toEqual([9]);
  });

  it('must be known', () => {
    expect(() => container({}, { User: 'nobody' })).toThrow(
      'container main: there is no user "nobody" in the image\'s /etc/passwd',
    );
    expect(() => container({ user: 'web:wheel' })).toThrow('there is no group "wheel"');
  });
});

it('the environment is the image’s, and the manifest’s wins', () => {
  const { container, notes } = configure(
    { env: [{ name: 'B', value: '3' }] },
    { Env: ['A=1=2', 'B=2', 'EMPTY', 'A=x', 'a.b=1'] },
  );
  expect(container.env).toEqual([
    { name: 'A', value: 'x' },
    { name: 'EMPTY', value: '' },
    { name: 'B', value: '3' },
  ]);
  expect(notes).toEqual([expect.stringContaining('"a.b"')]);
});

it.each([
  ['/app/', '/app'],
  ['app/../srv', '/srv'],
  ['//x', '/x'],
  ['/', '/'],
])('the working directory %s is %s', (given, expected) => {
  expect(container({}, { WorkingDir: given }).workingDir).toBe(expected);
  expect(container({ workingDir: '/own' }, { WorkingDir: given }).workingDir).toBe('/own');
});

it('signal and ports are put into our form', () => {
  expect(container({}, { StopSignal: '3' }).stopSignal).toBe('SIGQUIT');
  expect(container({}, { StopSignal: 'quit' }).stopSignal).toBe('SIGQUIT');
  expect(container({ stopSignal: 'SIGINT' }, { StopSignal: '3' }).stopSignal).toBe('SIGINT');
  const unknown = configure({}, { StopSignal: 'SIGRTMIN+3' });
  expect([unknown.container.stopSignal, unknown.notes.length]).toEqual([undefined, 1]);
  const ports = { '443/tcp': {}, '80': {}, '53/udp': {} };
  expect(container({}, { ExposedPorts: ports }).exposedPorts).toEqual(['53/udp', '80/tcp', '443/tcp']);
  expect(container({ exposedPorts: ['1/tcp'] }, { ExposedPorts: ports }).exposedPorts).toEqual(['1/tcp']);
});

it('a volume of the image is one of the application, unless the manifest mounts there', () => {
  const config = { Volumes: { '/var/lib/db/': {}, '/data': {}, '/proc/x': {} } };
  const own = { volumes: [{ name: 'mine', mountPath: '/data' }] };
  const { container, volumes } = configure(own, config, ['mine', 'main-var-lib-db']);
  expect(volumes).toEqual([{ name: 'main-var-lib-db-2' }]);
  expect(container.volumes).toEqual([
    { name: 'mine', mountPath: '/data' },
    { name: 'main-var-lib-db-2', mountPath: '/var/lib/db' },
  ]);
});
