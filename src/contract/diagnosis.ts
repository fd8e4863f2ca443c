// What a host finds when it looks at itself: what is well, what is not, and the command that mends it.
import Type from 'typebox';

export const findingLevels = ['ok', 'warning', 'problem'] as const;

export const Finding = Type.Object({
  level: Type.Enum([...findingLevels]),
  /** What was looked at: criu, disk, ssh … */
  check: Type.String(),
  message: Type.String(),
  /** For a shell, as root on this host: after it the finding is gone. */
  command: Type.Optional(Type.String()),
  /** What else to do, where no command of this host's mends it. */
  hint: Type.Optional(Type.String()),
});
export type Finding = Type.Static<typeof Finding>;
