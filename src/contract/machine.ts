// What of a machine, and of an application on it, decides where the application can run on.
import Type from 'typebox';

/** A count that fits a number, and a text that nobody fills memories with. */
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Text = (maxLength: number) => Type.String({ maxLength });

export const securityModules = ['apparmor', 'selinux', 'none'] as const;

/** What decides whether a process image of one machine runs on another; absent is what an older agent does not tell. */
export const MachineFacts = Type.Object({
  architecture: Text(256),
  kernel: Text(256),
  criu: Text(256),
  runc: Text(256),
  cgroupVersion: Count,
  pageSizeBytes: Type.Optional(Count),
  /** CONFIG_TIME_NS: criu then carries the monotonic clock along. */
  timeNamespaces: Type.Optional(Type.Boolean()),
  /** As criu sees it: the one that gives processes their labels. */
  securityModule: Type.Optional(Type.Enum([...securityModules])),
  /** False where the kernel was told `ipv6.disable=1`, or has none. */
  ipv6: Type.Optional(Type.Boolean()),
  /** CPU and kernel keep a shadow stack for programs that ask for one. */
  shadowStacks: Type.Optional(Type.Boolean()),
});
export type MachineFacts = Type.Static<typeof MachineFacts>;

/** What the processes of an application have that not every machine has. */
export const ApplicationUse = Type.Object({
  /** The labels under which they run, but for AppArmor's `unconfined`. */
  securityLabels: Type.Array(Text(500), { maxItems: 100 }),
  /** They were restored before, so that their monotonic clock is their own. */
  ownTimeNamespace: Type.Boolean(),
  ipv6Sockets: Count,
  shadowStacks: Type.Boolean(),
});
export type ApplicationUse = Type.Static<typeof ApplicationUse>;
