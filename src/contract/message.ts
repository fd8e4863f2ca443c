// The envelope of a request and of its answer.
import Type from 'typebox';

export const Request = Type.Object(
  {
    protocolVersion: Type.Integer(),
    /** Makes the request idempotent: an agent answers the same id only once. */
    id: Type.String({ minLength: 8, maxLength: 64 }),
    method: Type.String({ maxLength: 64 }),
    /** user@machine (process), for logs and for who holds a lock. */
    caller: Type.String({ maxLength: 256 }),
    params: Type.Object({}, { additionalProperties: true }),
  },
  { additionalProperties: false },
);
export type Request = Type.Static<typeof Request>;

export const Reply = Type.Union([
  Type.Object({ protocolVersion: Type.Integer(), id: Type.String(), result: Type.Unknown() }),
  Type.Object({ protocolVersion: Type.Integer(), id: Type.String(), accepted: Type.Literal(true) }),
  Type.Object({
    protocolVersion: Type.Integer(),
    id: Type.String(),
    fault: Type.Object({}, { additionalProperties: true }),
  }),
]);
export type Reply = Type.Static<typeof Reply>;
