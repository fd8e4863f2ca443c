// What a machine is and has that is to run the broker, as scripts/broker/look.sh tells it.
import { type MachineFacts, machineFacts, readTold } from '../machine-facts.ts';

/** What RabbitMQ says it has, in its own form (rabbitmqctl export_definitions); only what is looked at. */
export interface BrokerState {
  vhosts: { name: string }[];
  users: { name: string }[];
  permissions: { user: string; vhost: string; configure: string; write: string; read: string }[];
  topic_permissions: { user: string; vhost: string; exchange: string; write: string; read: string }[];
  queues: { name: string; vhost: string }[];
  exchanges: { name: string; vhost: string }[];
  bindings: { source: string; vhost: string; destination: string; routing_key: string }[];
}

export interface BrokerFacts extends MachineFacts {
  /** The version of its RabbitMQ, where it has one. */
  rabbitmq?: string;
  packagesPending: boolean;
  /** In PEM. */
  certificate?: string;
  configuration?: string;
  /** `broker install` has been here. */
  isAdded: boolean;
  isEnabled: boolean;
  /** Started after its configuration, its plugins and its certificate were written. */
  isCurrent: boolean;
  /** Absent where it does not run. */
  state?: BrokerState;
}

/** @throws CmigError `failed` where the answer was cut off */
export function parseBrokerFacts(text: string): BrokerFacts {
  const told = readTold(text);
  const [certificate, configuration] = [told.decoded('certificate'), told.decoded('configuration')];
  const state = told.decoded('definitions');
  return {
    ...machineFacts(told),
    ...(told.has('rabbitmq') ? { rabbitmq: told.get('rabbitmq') } : {}),
    packagesPending: told.has('pending'),
    ...(certificate ? { certificate } : {}),
    ...(configuration ? { configuration } : {}),
    isAdded: told.has('added'),
    isEnabled: told.has('enabled'),
    isCurrent: told.has('current'),
    ...(state ? { state: readState(state) } : {}),
  };
}

/** What it does not name, it has none of. */
const readState = (text: string): BrokerState => ({
  ...{
    vhosts: [],
    users: [],
    permissions: [],
    topic_permissions: [],
    queues: [],
    exchanges: [],
    bindings: [],
  },
  ...(JSON.parse(text) as Partial<BrokerState>),
});
