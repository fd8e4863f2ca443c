// The broker of a lab: a RabbitMQ on a machine of its own, with a user, a password and a virtual host of its own.

import { createConnection } from 'node:net';
import { join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import { endOfLog } from './end-of-log.ts';
import { signalProcesses, waitForEnd } from './end-processes.ts';
import { startInside } from './inside.ts';
import { connectToLab } from './lab-access.ts';
import { LabPaths } from './lab-paths.ts';
import { brokerMachine, type LabPlan, machineAddress } from './lab-plan.ts';
import { bootMachine, isBooted, runningMachines } from './machine.ts';
import { processesWith } from './process-table.ts';
import { type OnProgress, reported } from './progress.ts';
import { watchStart } from './watch-start.ts';

const startLimitMs = 60_000;
const busyLimitMs = 20_000;
const startScript = '/etc/cmig/start-broker';

/**
 * The process id, on this machine, of RabbitMQ in a list, or an empty one; `init` is that of the broker's machine. One
 * process becomes it step by step: the start script, its own scripts, Erlang's, and at last Erlang's machine.
 */
export async function findBroker(init: number): Promise<number[]> {
  const processes = await processesWith(init);
  const isBroker = (argv: string[]) =>
    argv
      .slice(0, 4)
      .some((word) => word === startScript || /\/(rabbitmq-server|erl|erlexec|beam\.smp)$/.test(word));
  return processes.filter(({ argv }) => isBroker(argv)).map(({ pid }) => pid);
}

/** Boots the broker's machine and starts the broker unless they run, and waits until it answers. */
export async function ensureBroker(plan: LabPlan, switchPid: number, onProgress: OnProgress): Promise<void> {
  const machine = (await runningMachines(plan.name)).get(brokerMachine);
  const booted = machine !== undefined && isBooted(machine) ? machine : undefined;
  if (booted !== undefined && (await findBroker(booted)).length > 0) {
    await waitForBroker(plan, booted);
    onProgress({ part: 'broker', name: 'broker', state: 'kept' });
    return;
  }
  await reported(onProgress, 'broker', 'broker', async () => {
    if (machine !== undefined && booted === undefined) {
      await waitForEnd(await signalProcesses([{ pid: machine }]));
    }
    const init = booted ?? (await bootMachine(plan, brokerMachine, switchPid));
    await startInside(plan.name, brokerMachine, init, ['/bin/sh', startScript], { log: outputOf(plan.name) });
    await waitForBroker(plan, init);
  });
}

/** @throws CmigError `failed` with the end of its output where it ended or never answered */
async function waitForBroker(plan: LabPlan, init: number): Promise<void> {
  const output = outputOf(plan.name);
  const fail = async (what: string, cause?: unknown): Promise<never> => {
    throw new CmigError('failed', `the broker of lab ${plan.name} ${what}${await endOfLog(output)}`, {
      hint: `its output is ${output}`,
      cause,
    });
  };
  const hasEnded = watchStart(() => findBroker(init));
  await waitFor(
    async () => {
      if (await brokerAnswers(plan)) return true;
      return (await hasEnded()) ? fail('ended as soon as it was started') : false;
    },
    { timeoutMs: startLimitMs, intervalMs: 100, what: 'the start of the broker' },
  ).catch((error) =>
    error instanceof CmigError && error.code === 'timeout'
      ? fail('did not answer', error)
      : Promise.reject(error),
  );
}

/** Whether it takes connections: one that runs is given the time that it takes on a busy machine. */
export async function brokerServes(plan: LabPlan): Promise<boolean> {
  const init = (await runningMachines(plan.name)).get(brokerMachine);
  if (init === undefined || !isBooted(init)) return false;
  const look = async () => {
    if (await brokerAnswers(plan)) return 'serves';
    return (await findBroker(init)).length === 0 && 'ended';
  };
  const limit = { timeoutMs: busyLimitMs, what: `an answer of the broker of lab ${plan.name}` };
  return waitFor(look, limit).then(
    (seen) => seen === 'serves',
    () => false,
  );
}

/** Lets the broker end in order, which closes its connections; kills it where it does not. Its machine stays. */
export async function stopBroker(lab: string): Promise<void> {
  const init = (await runningMachines(lab)).get(brokerMachine);
  if (init === undefined) return;
  const running = (await findBroker(init)).map((pid) => ({ pid }));
  await waitForEnd(await signalProcesses(running, 'SIGTERM')).catch(async () =>
    waitForEnd(await signalProcesses(running)),
  );
}

const outputOf = (lab: string): string => join(new LabPaths(lab).machine(brokerMachine).log, 'rabbitmq.out');

/** Whether it takes connections; with TLS it greets nobody whom it does not know. */
export const brokerAnswers = (plan: LabPlan): Promise<boolean> =>
  plan.tls
    ? connectToLab(plan, 'cmig lab').then(
        (connection) => connection.close().then(() => true),
        () => false,
      )
    : speaksAmqp(machineAddress(plan, brokerMachine));

/** Whether an AMQP 0-9-1 server greets there: it answers the protocol header with a method frame. */
function speaksAmqp(host: string, port = 5672): Promise<boolean> {
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
