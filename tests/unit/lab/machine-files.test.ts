// The files on the disk of a lab's machines.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readAgentConfig } from '../../../agent/config.ts';
import { agentConfiguration, brokerScript, sshdConfiguration } from '../../../src/lab/machine-files.ts';

const plan = { name: 'trial', octet: 78, hosts: ['host-a', 'host-b'] };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-lab-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the files of a host', () => {
  it('configure the agent as on a real machine', async () => {
    const file = join(folder, 'agent.yaml');
    // Only the credentials are elsewhere than on the host.
    const credentials = join(folder, 'credentials');
    await writeFile(credentials, 'cmig:secret\n');
    const text = agentConfiguration(plan, 'host-b', '/opt/prefix');
    await writeFile(file, text.replace('/etc/cmig/broker-credentials', credentials));
    expect(await readAgentConfig(file)).toMatchObject({
      name: 'host-b',
      address: '10.78.255.11',
      broker: { url: 'amqp://10.78.255.2:5672/cmig' },
      credentials: { user: 'cmig', password: 'secret' },
      network: { bridge: 'cmig0', range: '10.78.0.0/16', gateway: '10.78.255.1' },
      programs: '/opt/prefix/sbin',
      cgroupParent: '/cmig-lab-trial/host-b',
    });
  });

  it('let nobody in without a key, and listen on the lab only', () => {
    const lines = sshdConfiguration(plan, 'host-a').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'ListenAddress 10.78.255.10:22',
        'AuthenticationMethods publickey',
        'PasswordAuthentication no',
        'PermitRootLogin prohibit-password',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('ListenAddress'))).toHaveLength(1);
  });
});

it('keep the ports of Erlang itself inside the machine of the broker', () => {
  expect(brokerScript()).toContain('inet_dist_use_interface {127,0,0,1}');
  expect(brokerScript()).toContain("export ERL_EPMD_ADDRESS='127.0.0.1'");
});
