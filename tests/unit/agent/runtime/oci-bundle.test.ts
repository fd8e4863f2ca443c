// What a container may do follows from its manifest, and is little where the manifest is silent.
import { describe, expect, it } from '@jest/globals';
import {
  type BundleRequest,
  capabilitiesOf,
  defaultCapabilities,
  ociBundle,
} from '../../../../agent/runtime/oci-bundle.ts';
import type { Container } from '../../../../src/contract/application.ts';

const container = (changes: Partial<Container> = {}): Container => ({
  name: 'db',
  image: 'dir:./db',
  command: ['redis-server'],
  ...changes,
});

interface Config {
  root: { path: string; readonly: boolean };
  process: Record<string, unknown> & {
    env: string[];
    capabilities: Record<string, string[]>;
    user: { uid: number; gid: number };
  };
  mounts: { destination: string; source: string; options: string[] }[];
  annotations: Record<string, string>;
  linux: Record<string, unknown> & {
    namespaces: { type: string; path?: string }[];
    resources: { memory?: unknown; cpu?: unknown; pids?: unknown; devices: { allow: boolean }[] };
    seccomp?: { defaultAction: string };
  };
}

const bundle = (changes: Partial<Container> = {}, request: Partial<BundleRequest> = {}): Config =>
  ociBundle({
    application: 'shop',
    container: container(changes),
    rootfs: '/data/rootfs',
    networkNamespace: '/run/netns/cmig-shop',
    cgroupsPath: '/cmig/shop/db',
    criuConfigFile: '/run/cmig/criu.conf',
    volumePath: (name) => `/data/volumes/${name}`,
    etc: { hosts: '/data/etc/hosts', resolvConf: '/data/etc/resolv.conf' },
    seccomp: true,
    ...request,
  }) as unknown as Config;

describe('a bundle by default', () => {
  const config = bundle();

  it('has no new privileges, filters system calls, and starts from no device', () => {
    expect(config.process.noNewPrivileges).toBe(true);
    expect(config.linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(config.linux.resources.devices[0]).toEqual({ allow: false, access: 'rwm' });
  });

  it('has its own namespaces but for the network, which is the application’s, and user and cgroup, which criu cannot have', () => {
    expect(config.linux.namespaces.map(({ type }) => type).sort()).toEqual([
      'ipc',
      'mount',
      'network',
      'pid',
      'uts',
    ]);
    expect(config.linux.namespaces.find(({ type }) => type === 'network')?.path).toBe('/run/netns/cmig-shop');
  });

  it('names the file from which criu takes its options', () => {
    expect(config.annotations['org.criu.config']).toBe('/run/cmig/criu.conf');
  });

  it('masks what tells of the machine', () => {
    expect(config.linux.maskedPaths).toEqual(expect.arrayContaining(['/proc/kcore', '/sys/firmware']));
    expect(config.linux.readonlyPaths).toContain('/proc/sys');
  });

  it('of what is emulated lets nothing be started but the emulator', () => {
    const request = {
      emulation: {
        program: '/usr/bin/qemu',
        args: ['/.cmig/qemu-x86_64', '-cpu', 'qemu64', '/bin/x'],
        variable: { name: 'CMIG_STARTED_ON_CPU', value: 'ssse3' },
      },
    };
    const volumes = [{ name: 'data', mountPath: '/data' }];
    const { mounts, process } = bundle({ volumes }, request);
    const executable = mounts.filter(({ options }) => !options.includes('noexec'));
    expect(executable.map(({ source }) => source)).toEqual(['/usr/bin/qemu']);
    expect(process.args).toEqual(request.emulation.args);
    expect(process.env).toContain('CMIG_STARTED_ON_CPU=ssse3');
  });

  it('limits nothing that was not asked for', () => {
    expect(Object.keys(config.linux.resources)).toEqual(['devices']);
    expect(config.process.rlimits).toBeUndefined();
  });
});

describe('a bundle follows its manifest', () => {
  it('in resources, without swap beyond the memory', () => {
    const { resources } = bundle({ resources: { cpu: '500m', memory: '64Mi', pids: 20 } }).linux;
    expect(resources.cpu).toEqual({ quota: 50_000, period: 100_000 });
    expect(resources.memory).toEqual({ limit: 67_108_864, swap: 67_108_864 });
    expect(resources.pids).toEqual({ limit: 20 });
  });

  it('in environment, where its own variables win over the defaults', () => {
    const { env } = bundle({ env: [{ name: 'PATH', value: '/app' }] }).process;
    expect(env).toContain('PATH=/app');
    expect(env.filter((each) => each.startsWith('PATH='))).toHaveLength(1);
    expect(env).toContain('HOSTNAME=shop');
  });

  it('in volumes, outer mount points before inner ones', () => {
    const volumes = [
      { name: 'inner', mountPath: '/data/inner', readOnly: true },
      { name: 'outer', mountPath: '/data' },
    ];
    const mounts = bundle({ volumes }).mounts.slice(-2);
    expect(mounts.map(({ source }) => source)).toEqual(['/data/volumes/outer', '/data/volumes/inner']);
    expect(mounts.map(({ options }) => options.at(-1))).toEqual(['rw', 'ro']);
  });

  it('in its user, who has no capability at hand unless he is root', () => {
    const { process } = bundle({ user: '1000' });
    expect(process.user).toEqual({ uid: 1000, gid: 1000 });
    expect(process.capabilities.effective).toEqual([]);
    expect(process.capabilities.bounding).toEqual(defaultCapabilities);
  });
});

describe('capabilities', () => {
  it('are Docker’s, changed as the manifest says, with or without the prefix', () => {
    const capabilities = { add: ['NET_ADMIN'], drop: ['CAP_MKNOD', 'CHOWN'] };
    const changed = capabilitiesOf(container({ capabilities }));
    expect(changed).toContain('CAP_NET_ADMIN');
    expect(changed).not.toContain('CAP_MKNOD');
    expect(changed).not.toContain('CAP_CHOWN');
  });

  it('are none but the added ones where all are dropped', () => {
    const capabilities = { add: ['CAP_CHOWN'], drop: ['ALL'] };
    expect(capabilitiesOf(container({ capabilities }))).toEqual(['CAP_CHOWN']);
  });

  it('are never all', () => {
    expect(() => capabilitiesOf(container({ capabilities: { add: ['ALL'] } }))).toThrow(/not all/);
  });
});

describe('what only an image can tell', () => {
  it('must have been told before', () => {
    expect(() => bundle({ command: undefined } as never)).toThrow('db: there is no command to run');
    expect(() => bundle({ user: 'redis' })).toThrow('db: the user "redis" is not given by numbers');
    expect(() => bundle({ user: '5:staff' })).toThrow('is not given by numbers');
  });

  it('is arguments behind the command, and further groups', () => {
    const { process } = bundle({ args: ['-v'], user: '5', groups: [40, 41] });
    expect(process.args).toEqual(['redis-server', '-v']);
    expect(process.user).toEqual({ uid: 5, gid: 5, additionalGids: [40, 41] });
  });
});
