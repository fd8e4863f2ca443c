// What ssh and rsync say when they fail, as errors that name the peer, the reason and what to do.
import type { FaultCode } from '../../src/contract/fault.ts';
import type { HostRecord } from '../../src/contract/host.ts';
import { CmigError } from '../../src/core/errors.ts';

interface Reason {
  pattern: RegExp;
  code: FaultCode;
  message: (peer: HostRecord) => string;
  hint: (peer: HostRecord) => string;
}

/** The first that matches speaks. Texts of OpenSSH and rsync under LC_ALL=C. */
const reasons: Reason[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No .* host key is known/i,
    code: 'failed',
    message: (peer) => `${peer.name} (${peer.address}) does not show the SSH host key that it announced`,
    hint: () =>
      'either another machine answers there, or its host key was replaced: check it, then restart its agent, which announces the key',
  },
  {
    pattern: /Permission denied \(|Too many authentication failures/,
    code: 'failed',
    message: (peer) => `${peer.name} does not accept the transfer key of this host`,
    hint: (peer) =>
      `on ${peer.name}, sshd must read the agent's authorizedKeysFile and let root in by key (PermitRootLogin prohibit-password)`,
  },
  {
    pattern: /No space left on device|Disk quota exceeded/i,
    code: 'failed',
    message: (peer) => `the disk of ${peer.name} is full`,
    hint: (peer) => `free space below the data directory on ${peer.name}, then try again`,
  },
  {
    pattern: /cmig: refused: (.*)/,
    code: 'failed',
    message: (peer) => `${peer.name} refused the delivery`,
    hint: () => 'are both agents of the same version?',
  },
  {
    pattern: /Connection refused/,
    code: 'unreachable',
    message: (peer) => `no sshd listens on ${peer.name} (${peer.address} port ${peer.sshPort})`,
    hint: (peer) => `start sshd on ${peer.name}, or correct "ssh.port" in its agent's configuration`,
  },
  {
    pattern:
      /timed? ?out|No route to host|Network is unreachable|Could not resolve|not responding|Broken pipe|Connection (reset|closed)|connection unexpectedly closed|kex_exchange_identification|Connection to .* closed/i,
    code: 'unreachable',
    message: (peer) =>
      `${peer.name} (${peer.address} port ${peer.sshPort}) cannot be reached by SSH, or went away`,
    hint: (peer) => `is ${peer.name} up, and does the network let this host through?`,
  },
  {
    pattern: /rsync: (command )?not found|rsync: No such file/,
    code: 'unsupported',
    message: (peer) => `rsync is not installed on ${peer.name}`,
    hint: (peer) => `install rsync on ${peer.name}`,
  },
];

/** The error to throw for what `runProcess` threw while it sent to `peer`. */
export function transferError(error: unknown, peer: HostRecord): unknown {
  if (!(error instanceof CmigError) || error.code === 'cancelled') return error;
  if (error.code === 'timeout')
    return new CmigError('unreachable', `${peer.name} (${peer.address}) did not answer by SSH in time`, {
      host: peer.name,
      tool: error.tool,
      cause: error,
    });
  // What ssh says then is only what it made of that.
  if (error.tool?.signal) return error;
  const output = error.tool?.output.join('\n') ?? '';
  const reason = reasons.find(({ pattern }) => pattern.test(output));
  if (!reason) return error;
  const detail = reason.pattern.exec(output)?.[1];
  return new CmigError(reason.code, `${reason.message(peer)}${detail ? `: ${detail}` : ''}`, {
    hint: reason.hint(peer),
    tool: error.tool,
  });
}
