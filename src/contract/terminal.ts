// The terminal of a person, as the program at the other end has to know it.
import Type from 'typebox';

const Cells = Type.Integer({ minimum: 1, maximum: 10_000 });

export const TerminalSize = Type.Object({ rows: Cells, columns: Cells }, { additionalProperties: false });
export type TerminalSize = Type.Static<typeof TerminalSize>;

export const TerminalRequest = Type.Object(
  {
    ...TerminalSize.properties,
    /** What TERM says of it, such as `xterm-256color`. */
    type: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$' })),
  },
  { additionalProperties: false },
);
export type TerminalRequest = Type.Static<typeof TerminalRequest>;
