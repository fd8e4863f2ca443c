// What a lab is made of at this moment, read from what runs and not from what should.
import { findAgents } from './host-agent.ts';
import { requirePlan } from './lab-actions.ts';
import { brokerAnswers, findBroker } from './lab-broker.ts';
import { readLinks, type Shape } from './lab-links.ts';
import { findSwitch } from './lab-network.ts';
import { LabPaths } from './lab-paths.ts';
import {
  applicationRange,
  brokerMachine,
  brokerUrl,
  defaultLabName,
  machineAddress,
  siteOf,
  siteSegment,
} from './lab-plan.ts';
import { isBooted, runningMachines } from './machine.ts';

export interface LabSiteStatus extends Shape {
  name: string;
  /** Its segment. */
  range: string;
  /** From what it is cut off. */
  partitioned?: 'all' | string[];
}

export interface LabHostStatus extends Shape {
  name: string;
  site?: string;
  address: string;
  state: 'running' | 'booting' | 'stopped';
  agent: 'running' | 'stopped';
  /** From what it is cut off. */
  partitioned?: 'all' | string[];
}

export interface LabStatus {
  name: string;
  directory: string;
  /** The range of applications' addresses. */
  range: string;
  network: 'up' | 'down';
  broker: { url: string; credentialsFile: string; state: 'running' | 'starting' | 'stopped' };
  /** Absent where all machines share one segment. */
  sites?: LabSiteStatus[];
  hosts: LabHostStatus[];
}

/** @throws CmigError `not-found` where there is no such lab */
export async function labStatus(options: { name?: string } = {}): Promise<LabStatus> {
  const plan = await requirePlan(options.name ?? defaultLabName);
  const paths = new LabPaths(plan.name);
  const [running, links, switchPid, answers] = await Promise.all([
    runningMachines(plan.name),
    readLinks(plan.name),
    findSwitch(plan.name),
    brokerAnswers(plan),
  ]);
  const hosts = plan.hosts.map(async (name): Promise<LabHostStatus> => {
    const init = running.get(name);
    const agents = init === undefined ? [] : await findAgents(init);
    return {
      name,
      ...(plan.sites ? { site: siteOf(plan, name)! } : {}),
      address: machineAddress(plan, name),
      state: init === undefined ? 'stopped' : isBooted(init) ? 'running' : 'booting',
      agent: agents.length > 0 ? 'running' : 'stopped',
      ...links[name],
    };
  });
  const brokerInit = running.get(brokerMachine);
  const brokerRuns = brokerInit !== undefined && (await findBroker(brokerInit)).length > 0;
  return {
    name: plan.name,
    directory: paths.directory,
    range: applicationRange(plan),
    network: switchPid === undefined ? 'down' : 'up',
    broker: {
      url: brokerUrl(plan),
      credentialsFile: paths.credentials,
      state: brokerRuns ? (answers ? 'running' : 'starting') : 'stopped',
    },
    ...(plan.sites
      ? {
          sites: plan.sites.map((site, index) => ({
            name: site,
            range: siteSegment(plan, index).range,
            ...links[site],
          })),
        }
      : {}),
    hosts: await Promise.all(hosts),
  };
}
