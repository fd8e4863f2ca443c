// The broker of a lab: a RabbitMQ on a machine of its own, with a user, a password and a virtual host of its own.

import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import { LabPaths } from './lab-paths.ts';
import { brokerMachine, type LabPlan, machineAddress } from './lab-plan.ts';
import { bootMachine, isBooted, runningMachines, signalProcesses, waitForEnd } from './machine.ts';
import { type OnProgress, reported } from './progress.ts';

const startLimitMs = 60_000;

/** Starts the broker unless it runs, and waits until it answers. */
export async function ensureBroker(plan: LabPlan, switchPid: number, onProgress: OnProgress): Promise<void> {
  const running = (await runningMachines(plan.name)).get(brokerMachine);
  if (running !== undefined && isBooted(running)) {
    await waitForBroker(plan);
    onProgress({ part: 'broker', name: 'broker', state: 'kept' });
    return;
  }
  await reported(onProgress, 'broker', 'broker', async () => {
    if (running !== undefined) await stopBroker(plan.name);
    await bootMachine(plan, brokerMachine, switchPid);
    await waitForBroker(plan);
  });
}

/** @throws CmigError `failed` with the end of its output where it ended or never answered */
async function waitForBroker(plan: LabPlan): Promise<void> {
  const output = join(new LabPaths(plan.name).machine(brokerMachine).log, 'rabbitmq.out');
  const fail = async (what: string, cause?: unknown): Promise<never> => {
    const said = (await readFile(output, 'utf8').catch(() => '')).trim().split('\n').slice(-8).join('\n');
    throw new CmigError('failed', `the broker of lab ${plan.name} ${what}${said ? `\n${said}` : ''}`, {
      hint: `its output is ${output}`,
      cause,
    });
  };
  await waitFor(
    async () => {
      if (await speaksAmqp(machineAddress(plan, brokerMachine))) return true;
      return (await runningMachines(plan.name)).has(brokerMachine)
        ? false
        : fail('ended as soon as it was started');
    },
    { timeoutMs: startLimitMs, intervalMs: 100, what: 'the start of the broker' },
  ).catch((error) =>
    error instanceof CmigError && error.code === 'timeout'
      ? fail('did not answer', error)
      : Promise.reject(error),
  );
}

/** Lets the broker end in order, which closes its connections; kills it where it does not. */
export async function stopBroker(lab: string): Promise<boolean> {
  const pid = (await runningMachines(lab)).get(brokerMachine);
  if (pid === undefined) return false;
  await waitForEnd(await signalProcesses([{ pid }], 'SIGTERM')).catch(async () =>
    waitForEnd(await signalProcesses([{ pid }])),
  );
  return true;
}

/** Whether an AMQP 0-9-1 server greets there: it answers the protocol header with a method frame. */
export function speaksAmqp(host: string, port = 5672): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('connect', () => socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])));
    socket.on('data', (data) => {
      resolve(data[0] === 1);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });
}
