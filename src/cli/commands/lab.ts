// `cmig lab …`: hosts on this machine, and the context by which they are reached.
import { CmigError } from '../../core/errors.ts';
import * as lab from '../../lab/lab.ts';
import { hostNames } from '../../lab/lab-plan.ts';
import { renderTable } from '../../view/table.ts';
import { putContext, removeContext } from '../change-contexts.ts';
import type { Invocation } from '../command.ts';
import { readContexts } from '../contexts.ts';
import { labSteps } from '../lab-steps.ts';
import { showProgress } from '../show-progress.ts';

/** `lab` for the lab of that name, `lab-<name>` for others. */
const contextOf = (name: string): string => (name === lab.defaultLabName ? name : `lab-${name}`);

const labOf = (invocation: Invocation): string => invocation.required('name');

export async function up(invocation: Invocation): Promise<void> {
  const name = labOf(invocation);
  const hosts = invocation.integer('hosts');
  const sites = invocation.text('sites')?.split(',');
  const there = await lab.labStatus({ name }).catch(() => undefined);
  const count = Math.max(there?.hosts.length ?? 0, hosts ?? (there ? 0 : 3));
  const access = await showProgress(invocation, (report) => {
    const steps = labSteps(report);
    steps.plan(hostNames(count));
    return lab.labUp({
      name,
      ...(hosts === undefined ? {} : { hosts }),
      ...(sites === undefined ? {} : { sites }),
      tls: invocation.flag('tls'),
      onProgress: steps.onProgress,
    });
  });
  const context = contextOf(name);
  const { brokerUrl: url, credentialsFile, tls } = access;
  const broker = tls
    ? { url, caFile: tls.ca, certificateFile: tls.certificate, keyFile: tls.key }
    : { url, credentialsFile, insecure: true };
  await putContext({ name: context, broker });
  const { current } = await readContexts();
  if (invocation.output === 'json')
    return invocation.printJson({ ...access, context, current: current === context });
  const reached = current === context ? 'which is the current one' : `use it with --context ${context}`;
  invocation.print(
    `lab "${name}" is up: ${access.hosts.join(', ')}; its context is "${context}", ${reached}`,
  );
  const { emptySites = [] } = access;
  if (emptySites.length > 0)
    invocation.print(
      `no host is in ${emptySites.join(', ')} yet: further ones go there, as by cmig lab up --name ${name} --hosts ${access.hosts.length + emptySites.length}`,
    );
}

export async function down(invocation: Invocation): Promise<void> {
  const name = labOf(invocation);
  const { existed } = await showProgress(invocation, (report) =>
    lab.labDown({ name, onProgress: labSteps(report).onProgress }),
  );
  await removeContext(contextOf(name));
  if (invocation.output === 'json') return invocation.printJson({ name, existed });
  invocation.print(existed ? `lab "${name}" is gone` : `there is no lab "${name}"; nothing to do`);
}

export async function status(invocation: Invocation): Promise<void> {
  const found = await lab.labStatus({ name: labOf(invocation) });
  if (invocation.output === 'json') return invocation.printJson(found);
  if (invocation.output === 'yaml') {
    const { stringify } = await import('yaml');
    return void invocation.stdout.write(stringify(found));
  }
  invocation.print(`Lab:      ${found.name}`);
  invocation.print(`Network:  ${found.network}, applications in ${found.range}`);
  invocation.print(`Broker:   ${found.broker.state}, ${found.broker.url}`);
  invocation.print(`Files:    ${found.directory}\n`);
  type Host = lab.LabHostStatus;
  type Link = Pick<Host, 'partitioned' | 'rate' | 'delay' | 'loss'>;
  const cutOff = ({ partitioned }: Link): string =>
    Array.isArray(partitioned) ? partitioned.join(',') : (partitioned ?? '');
  const shape = ({ rate, delay, loss }: Link): string =>
    [rate, delay && `delay ${delay}`, loss && `loss ${loss}`].filter(Boolean).join(', ');
  if (found.sites) {
    type Site = lab.LabSiteStatus;
    const columns = [
      { header: 'SITE', value: (site: Site) => site.name },
      { header: 'NETWORK', value: (site: Site) => site.range },
      { header: 'CUT OFF FROM', value: cutOff },
      { header: 'RATE', value: shape },
    ];
    invocation.print(renderTable(columns, found.sites));
  }
  const columns = [
    { header: 'HOST', value: (host: Host) => host.name },
    ...(found.sites ? [{ header: 'SITE', value: (host: Host) => host.site ?? '' }] : []),
    { header: 'ADDRESS', value: (host: Host) => host.address },
    { header: 'STATE', value: (host: Host) => host.state },
    { header: 'AGENT', value: (host: Host) => host.agent },
    { header: 'CUT OFF FROM', value: cutOff },
    { header: 'RATE', value: shape },
  ];
  invocation.stdout.write(renderTable(columns, found.hosts));
}

export async function exec(invocation: Invocation): Promise<number> {
  const { exitCode } = await lab.labExec(invocation.required('HOST'), invocation.texts('CMD'), {
    name: labOf(invocation),
  });
  return exitCode;
}

export async function kill(invocation: Invocation): Promise<void> {
  const host = invocation.required('HOST');
  const agent = invocation.flag('agent');
  await lab.labKill(host, { name: labOf(invocation), agent });
  invocation.print(agent ? `the agent of ${host} was killed` : `${host} has lost its power`);
}

export async function start(invocation: Invocation): Promise<void> {
  const host = invocation.required('HOST');
  const agent = invocation.flag('agent');
  await showProgress(invocation, (report) =>
    lab.labStart(host, { name: labOf(invocation), agent, onProgress: labSteps(report).onProgress }),
  );
  invocation.print(agent ? `the agent of ${host} runs` : `${host} runs`);
}

export async function partition(invocation: Invocation): Promise<void> {
  const host = invocation.required('HOST');
  const from = invocation.text('PEER') ?? invocation.text('from');
  await lab.labPartition(host, { name: labOf(invocation), ...(from === undefined ? {} : { from }) });
  invocation.print(`${host} is cut off from ${from ?? 'everything'}`);
}

export async function heal(invocation: Invocation): Promise<void> {
  const host = invocation.required('HOST');
  await lab.labHeal(host, { name: labOf(invocation) });
  invocation.print(`${host} is connected`);
}

export async function shape(invocation: Invocation): Promise<void> {
  const host = invocation.required('HOST');
  const [rate, delay, loss] = ['rate', 'delay', 'loss'].map((option) => invocation.text(option));
  if (!(rate || delay || loss))
    throw new CmigError('invalid', 'what shall be shaped is not said', {
      hint: 'give --rate, --delay or --loss; none takes it away',
    });
  await lab.labShape(host, rate, {
    name: labOf(invocation),
    ...(delay ? { delay } : {}),
    ...(loss ? { loss } : {}),
  });
  const what = Object.entries({ rate, delay, loss }).flatMap(([word, value]) => {
    if (!value) return [];
    return value === 'none' ? `no ${word === 'rate' ? 'limit' : word}` : `${word} ${value}`;
  });
  invocation.print(`${host} has ${what.join(', ')}`);
}

export async function broker(invocation: Invocation): Promise<void> {
  const action = invocation.required('ACTION') === 'stop' ? 'stop' : 'start';
  await showProgress(invocation, (report) =>
    lab.labBroker(action, { name: labOf(invocation), onProgress: labSteps(report).onProgress }),
  );
  invocation.print(action === 'stop' ? 'the broker has stopped' : 'the broker runs');
}
