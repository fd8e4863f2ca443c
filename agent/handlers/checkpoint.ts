// RPC: checkpoints that this host keeps.
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import type { Params } from '../../src/contract/methods.ts';
import type { KeptCheckpoints } from '../checkpoints/kept-checkpoints.ts';

export const checkpointHandlers = (kept: KeptCheckpoints) => ({
  'checkpoint.list': async () => ({ checkpoints: await kept.list() }),
  'checkpoint.get': ({ checkpoint }: Params<'checkpoint.get'>) => kept.get(checkpoint),
  'checkpoint.take': ({ application, checkpoint, stop }: Params<'checkpoint.take'>) =>
    kept.take({ application, id: checkpoint, reason: 'asked', stop }),
  'checkpoint.verify': ({ checkpoint }: Params<'checkpoint.verify'>) => kept.verify(checkpoint),
  'checkpoint.restore': (params: Params<'checkpoint.restore'>) => kept.restore(params),
  'checkpoint.send': ({ checkpoint, to }: Params<'checkpoint.send'>) => kept.send(checkpoint, to),
  'checkpoint.expect': async ({ checkpoint }: Params<'checkpoint.expect'>) => {
    await kept.expect(checkpoint);
    return {};
  },
  'checkpoint.take-in': ({ checkpoint }: Params<'checkpoint.take-in'>) => kept.takeIn(checkpoint),
  'checkpoint.export': async (
    { checkpoint }: Params<'checkpoint.export'>,
    _: unknown,
    stream: ServerStream,
  ) => {
    await kept.export(checkpoint, stream);
    await stream.send({ type: 'end', exitCode: 0 });
  },
  'checkpoint.import': async (_params: Params<'checkpoint.import'>, _: unknown, stream: ServerStream) => {
    const taken = await kept.import(stream.input);
    const data = Buffer.from(JSON.stringify(taken)).toString('base64');
    await stream.send({ type: 'output', stream: 'stdout', data });
    await stream.send({ type: 'end', exitCode: 0 });
  },
  'checkpoint.delete': async ({ checkpoint }: Params<'checkpoint.delete'>) => {
    await kept.remove(checkpoint);
    return {};
  },
});
