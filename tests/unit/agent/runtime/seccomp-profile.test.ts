// Which system calls a container may make.
import { describe, expect, it } from '@jest/globals';
import { defaultCapabilities } from '../../../../agent/runtime/oci-bundle.ts';
import { seccompProfile } from '../../../../agent/runtime/seccomp-profile.ts';

const allowed = (capabilities: string[]): Set<string> =>
  new Set(
    seccompProfile(capabilities, 'x64')!
      .syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args)
      .flatMap(({ names }) => names),
  );

describe('the seccomp profile', () => {
  it('refuses what criu cannot dump', () => {
    const names = allowed(defaultCapabilities);
    for (const name of [
      'io_uring_setup',
      'io_uring_enter',
      'io_uring_register',
      'userfaultfd',
      'memfd_secret',
    ])
      expect(names).not.toContain(name);
  });

  it('refuses what leads out of the container', () => {
    const names = allowed(defaultCapabilities);
    for (const name of ['mount', 'setns', 'unshare', 'bpf', 'kexec_load', 'init_module', 'keyctl', 'reboot'])
      expect(names).not.toContain(name);
  });

  it('allows what programs live on', () => {
    const names = allowed(defaultCapabilities);
    for (const name of [
      'read',
      'write',
      'execve',
      'futex',
      'epoll_wait',
      'accept4',
      'mmap',
      'rseq',
      'chroot',
    ])
      expect(names).toContain(name);
  });

  it('allows with a capability what makes sense with it only', () => {
    expect(allowed(['CAP_SYS_ADMIN'])).toContain('mount');
    expect(allowed([])).not.toContain('chroot');
  });

  it('lets clone make processes but no namespaces, and sends clone3 back to clone', () => {
    const { syscalls } = seccompProfile(defaultCapabilities, 'x64')!;
    const clone = syscalls.find(({ names }) => names.includes('clone'))!;
    const newUserNamespace = 0x10000000;
    expect((clone.args?.[0]?.value ?? 0) & newUserNamespace).toBe(newUserNamespace);
    expect(clone.args?.[0]).toMatchObject({ op: 'SCMP_CMP_MASKED_EQ', valueTwo: 0 });
    expect(syscalls.find(({ names }) => names.includes('clone3'))).toMatchObject({ errnoRet: 38 });
  });
});
