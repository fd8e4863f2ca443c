// What an agent gives a server: one function a method.

import type { Identity } from '../contract/identity.ts';
import type {
  LongMethodName,
  Params,
  Result,
  ShortMethodName,
  StreamMethodName,
} from '../contract/methods.ts';
import type { ServerStream } from './server-session.ts';

/** Who asked what. */
export interface RequestContext {
  id: string;
  caller: string;
  /** Whom the broker vouches for; undefined without certificates. */
  identity: Identity | undefined;
  /** The host that answers. */
  host: string;
}

/** Answered by the server itself. */
type OwnMethodName = 'operation.get' | 'session.input' | 'session.close';

/** One function a method. What it throws is the fault that is answered with. */
export type Handlers = {
  [M in Exclude<ShortMethodName | LongMethodName, OwnMethodName>]: (
    params: Params<M>,
    context: RequestContext,
  ) => Promise<Result<M>>;
} & {
  [M in StreamMethodName]: (
    params: Params<M>,
    context: RequestContext,
    stream: ServerStream,
  ) => Promise<void>;
};
