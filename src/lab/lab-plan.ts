// What a lab consists of, as names and numbers only: its machines, their addresses, its links.
import { namePattern } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';

/** What is chosen once, when a lab first comes up, and kept in its folder. */
export interface LabPlan {
  name: string;
  /** The lab's network is 10.<octet>.0.0/16. */
  octet: number;
  hosts: string[];
}

export const defaultLabName = 'lab';
export const maximumHosts = 26;
export const brokerMachine = 'broker';
/** The first octet of 10.x that is tried; see design: the first lab's applications live in 10.77.0.0/16. */
export const firstOctet = 77;
export const lastOctet = 199;

/** host-a, host-b, … @throws CmigError `invalid` */
export function hostNames(count: number): string[] {
  if (!Number.isInteger(count) || count < 1 || count > maximumHosts) {
    throw new CmigError('invalid', `a lab has 1 to ${maximumHosts} hosts, not ${count}`);
  }
  return Array.from({ length: count }, (_, index) => `host-${String.fromCharCode(97 + index)}`);
}

/** @throws CmigError `invalid` */
export function checkLabName(name: string): string {
  if (!new RegExp(namePattern).test(name) || name.length > 32) {
    throw new CmigError('invalid', `"${name}" is no name for a lab`, {
      hint: 'up to 32 lower-case letters, digits and dashes, not beginning or ending with a dash',
    });
  }
  return name;
}

/** The range of applications' addresses; the lab's own machines sit in its last 256 addresses. */
export const applicationRange = (plan: Pick<LabPlan, 'octet'>): string => `10.${plan.octet}.0.0/16`;

/** This machine's own address in the lab's network. */
export const gatewayAddress = (plan: Pick<LabPlan, 'octet'>): string => `10.${plan.octet}.255.1`;

/** The address of a machine of the lab, be it a host or the broker. */
export function machineAddress(plan: Pick<LabPlan, 'octet'>, machine: string): string {
  const last = machine === brokerMachine ? 2 : 10 + machine.charCodeAt(machine.length - 1) - 97;
  return `10.${plan.octet}.255.${last}`;
}

/** A locally administered address that follows from the IP address, so that it survives a power loss. */
export function machineMac(plan: Pick<LabPlan, 'octet'>, machine: string): string {
  const bytes = machineAddress(plan, machine)
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '4c', ...bytes].join(':');
}

export const brokerUrl = (plan: Pick<LabPlan, 'octet'>): string =>
  `amqp://${machineAddress(plan, brokerMachine)}:5672/cmig`;

/** This machine's end of the lab's network. */
export const uplinkName = (octet: number): string => `cmiglab${octet}`;

/** Written on the uplink, so that it is known for this lab's even when the lab's folder is lost. */
export const linkAlias = (lab: string): string => `cmig-lab:${lab}`;

/** Below it live all containers of a lab; each host has a child of its own. */
export const labCgroup = (lab: string): string => `/cmig-lab-${lab}`;
export const hostCgroup = (lab: string, host: string): string => `${labCgroup(lab)}/${host}`;

/** /etc/hosts of every machine; all names a lab can have, so that a host added later is known too. */
export function hostsFile(plan: Pick<LabPlan, 'octet'>): string {
  const machines = [brokerMachine, ...hostNames(maximumHosts)];
  const lines = machines.map((machine) => `${machineAddress(plan, machine)} ${machine}`);
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, ''].join('\n');
}
