// A small entry for developers: node src/lab/main.ts up|down|status|exec|kill|start|partition|heal|shape|broker …
// Options first: --name LAB, --hosts N, --no-agents, --agent, --from MACHINE.
import { parseArgs } from 'node:util';
import { toFault } from '../core/errors.ts';
import * as lab from './lab.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: lab.defaultLabName },
    hosts: { type: 'string' },
    'no-agents': { type: 'boolean', default: false },
    agent: { type: 'boolean', default: false },
    from: { type: 'string' },
  },
});
const [action = 'status', host = '', ...rest] = positionals;
const begin = performance.now();
const onProgress = (progress: lab.LabProgress) => {
  const { part, name, state, ms, message } = progress;
  const seconds = ((performance.now() - begin) / 1000).toFixed(2);
  console.error(
    `${seconds} ${part} ${name}: ${state}${ms === undefined ? '' : ` (${ms} ms)`} ${message ?? ''}`,
  );
};
const { name, agent, from } = values;
const print = (value: unknown) => console.log(JSON.stringify(value, null, 2));

const actions: Record<string, () => Promise<unknown>> = {
  up: async () =>
    print(
      await lab.labUp({
        name,
        agents: !values['no-agents'],
        onProgress,
        ...(values.hosts ? { hosts: Number(values.hosts) } : {}),
      }),
    ),
  down: async () => print(await lab.labDown({ name, onProgress })),
  status: async () => print(await lab.labStatus({ name })),
  exec: async () => {
    process.exitCode = (await lab.labExec(host, rest, { name })).exitCode;
  },
  kill: () => lab.labKill(host, { name, agent, onProgress }),
  start: () => lab.labStart(host, { name, agent, onProgress }),
  partition: () => lab.labPartition(host, { name, ...(from ? { from } : {}) }),
  heal: () => lab.labHeal(host, { name }),
  shape: () => lab.labShape(host, rest[0] ?? 'none', { name }),
  broker: () => lab.labBroker(host === 'stop' ? 'stop' : 'start', { name, onProgress }),
};

try {
  await actions[action]?.();
} catch (error) {
  console.error(JSON.stringify(toFault(error), null, 2));
  process.exitCode = 1;
}
