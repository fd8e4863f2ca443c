// What is done on a machine that is to run the broker follows from what it and its RabbitMQ tell.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Authority } from '../../../../../src/authority/authority.ts';
import { brokerDefinitions } from '../../../../../src/broker/broker-definitions.ts';
import type { Identity } from '../../../../../src/contract/identity.ts';
import {
  type BrokerFacts,
  type BrokerState,
  parseBrokerFacts,
} from '../../../../../src/orchestrator/joining/broker/broker-facts.ts';
import {
  brokerFiles,
  caFile,
  configurationFiles,
  settingsOf,
} from '../../../../../src/orchestrator/joining/broker/broker-files.ts';
import {
  checkBrokerMachine,
  checkVersion,
  planBroker,
  type WantedBroker,
} from '../../../../../src/orchestrator/joining/broker/broker-plan.ts';

const encoded = (text: string): string => Buffer.from(text).toString('base64');
const bare = [
  ...[
    'uid=0',
    'distribution=debian',
    'system=Debian',
    'architecture=x86_64',
    'init=systemd',
    'program.apt-get=x',
  ],
  ...['free./usr=9000000', 'free./var/lib=9000000'],
];
const factsOf = (lines: string[]): BrokerFacts => parseBrokerFacts([...lines, 'end=yes'].join('\n'));
const people: Identity[] = [
  { role: 'admin', name: 'ann' },
  { role: 'host', name: 'host-a' },
];
const stateOf = (identities: Identity[]) => brokerDefinitions(identities) as BrokerState;

let folder: string;
let wanted: WantedBroker;
let complete: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-broker-plan-'));
  const authority = await Authority.create(join(folder, 'authority'));
  const addresses = ['192.0.2.7', 'mq.example.org'];
  const { certificate } = await authority.issue({ role: 'broker', name: 'mq' }, { addresses });
  wanted = {
    ca: caFile(authority.certificate),
    addresses,
    configuration: configurationFiles({ port: 5671, vhost: 'cmig' }, 'systemd'),
    definitions: stateOf(people),
  };
  complete = [
    ...bare,
    ...['rabbitmq=3.10.8', 'added=yes', 'enabled=yes', 'current=yes', `certificate=${encoded(certificate)}`],
    `file.${brokerFiles.key}=600 abc rabbitmq`,
    ...[wanted.ca, ...wanted.configuration].map(
      ({ path, mode, sha256 }) => `file.${path}=${mode} ${sha256} root`,
    ),
    `definitions=${encoded(JSON.stringify(stateOf(people)))}`,
  ];
});
afterAll(() => rm(folder, { recursive: true }));

const changing = (lines: string[], files = wanted) =>
  Object.fromEntries(
    planBroker(factsOf(lines), files)
      .steps.filter(({ changes }) => changes.length > 0)
      .map(({ step, changes }) => [step, changes]),
  );

describe('the plan of a broker', () => {
  it('does everything on a machine that has nothing, and nothing where all is right', () => {
    expect(Object.keys(changing(bare))).toEqual(
      'packages certificate configuration service start users'.split(' '),
    );
    expect(changing(complete)).toEqual({});
  });

  it('does what is missing and no more, and starts RabbitMQ anew where it has to read it', () => {
    const anew = { start: ['starts it anew; who is connected comes back'] };
    const without = (start: string) => complete.filter((line) => !line.startsWith(start));
    expect(changing(without('current='))).toEqual(anew);
    expect(changing(without(`file.${brokerFiles.plugins}`))).toEqual({
      configuration: [brokerFiles.plugins],
      ...anew,
    });
    const certificate = [`${brokerFiles.certificate} for 192.0.2.7, mq.example.org`];
    const readable = complete.map((line) => line.replace('=600 abc rabbitmq', '=644 abc rabbitmq'));
    expect(changing(readable)).toEqual({ certificate, ...anew });
    const more = { ...wanted, addresses: ['192.0.2.8'] };
    expect(changing(complete, more)).toEqual({
      certificate: [`${brokerFiles.certificate} for 192.0.2.8`],
      ...anew,
    });
    expect(changing([...complete, 'pending=yes'])).toEqual({ packages: ['an interrupted installation'] });
  });

  it('tells RabbitMQ of who came, of rights that are not as they are to be, and of who left', () => {
    const told = (state: BrokerState) =>
      changing([...complete, `definitions=${encoded(JSON.stringify(state))}`]).users;
    expect(told(stateOf(people.slice(0, 1)))).toEqual(['host.host-a']);
    const left = stateOf([...people, { role: 'viewer', name: 'eve' }]);
    const others = [...left.users, { name: 'guest' }, { name: 'monitoring' }];
    expect(told({ ...left, users: others })).toEqual(['viewer.eve is removed', 'guest is removed']);
    const state = stateOf(people);
    const loose = state.permissions.map((each) =>
      each.user === 'host.host-a' ? { ...each, read: '.*' } : each,
    );
    expect(told({ ...state, permissions: loose })).toEqual(['host.host-a']);
    expect(told({ ...state, topic_permissions: [] })).toEqual(['host.host-a']);
    expect(told({ ...state, queues: [] })).toEqual(['cmig.events.log']);
  });

  it('goes by what the configuration there says, where nothing else is given', () => {
    const [file] = configurationFiles({ port: 5699, vhost: 'acme' }, 'script');
    expect(settingsOf(file!.content as string)).toEqual({ port: 5699, vhost: 'acme' });
  });

  it('leaves a RabbitMQ alone that it has not made, and refuses one that is too old', () => {
    expect(() => checkBrokerMachine(factsOf([...bare, 'rabbitmq=3.10.8']))).toThrow('is not touched');
    expect(() => checkBrokerMachine(factsOf([...bare, 'free./usr=1000']))).toThrow('/usr has 1 MB left');
    expect(() => checkBrokerMachine(factsOf(complete))).not.toThrow();
    expect(() => checkVersion('3.8.9')).toThrow('too old: 3.8.9, not 3.9');
    for (const version of ['3.9.0', '3.12.1', '4.0.5']) expect(() => checkVersion(version)).not.toThrow();
  });
});
