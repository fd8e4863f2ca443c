// The options of commands that log in to a machine by SSH.
import type { OptionSpec } from '../command.ts';

export const identityOption: OptionSpec = {
  flags: '-i, --identity <FILE>',
  summary: 'the private key that root is let in by',
  completes: 'file',
};
export const hostKeyOption: OptionSpec = {
  flags: '--host-key <KEY>',
  summary: 'the SSH host key it must show: its fingerprint (SHA256:…), or "ssh-ed25519 AAAA…"',
};
