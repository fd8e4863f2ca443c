// What `cmig explain` is told by the schema.
import { describe, expect, it } from '@jest/globals';
import { explain } from '../../../src/manifest/explain.ts';

const thrownBy = (path: string) => {
  try {
    return explain(path);
  } catch (error) {
    return error;
  }
};

describe('explain', () => {
  it('tells of a kind, by any of its names', () => {
    const { kind, version, path, field, fields } = explain('apps');
    expect({ kind, version, path, field }).toEqual({
      kind: 'Application',
      version: 'cmig.dev/v1',
      path: 'application',
      field: undefined,
    });
    expect(fields.map(({ name, type, required }) => [name, type, required])).toEqual([
      ['apiVersion', '<string>', true],
      ['kind', '<string>', true],
      ['metadata', '<Object>', true],
      ['spec', '<Object>', true],
      ['status', '<Object>', true],
    ]);
    expect(explain('Host').fields.map(({ name }) => name)).toContain('status');
    expect(explain('migration.spec.from').field?.required).toBe(true);
  });

  it('goes through lists and mappings', () => {
    const containers = explain('application.spec.containers');
    expect(containers.field).toMatchObject({ type: '<[]Object>', required: true });
    expect(containers.fields).toContainEqual(
      expect.objectContaining({ name: 'image', type: '<string>', required: true }),
    );
    expect(containers.fields).toContainEqual(
      expect.objectContaining({ name: 'command', type: '<[]string>', required: false }),
    );
    expect(explain('application.spec.containers[0].Ready.http').fields.map(({ name }) => name)).toEqual([
      'port',
      'path',
    ]);
    expect(explain('application.metadata.labels').field?.type).toBe('<map[string]string>');
    expect(explain('application.spec.network.ports.hosts').field?.type).toBe('<[]string|string>');
  });

  it('goes down to the last field where that is asked for', () => {
    const { fields } = explain('application.spec.network', { recursive: true });
    const ports = fields.find(({ name }) => name === 'ports');
    expect(ports?.fields?.map(({ name }) => name)).toEqual(['port', 'hostPort', 'protocol', 'hosts']);
    expect(fields.find(({ name }) => name === 'egress')).not.toHaveProperty('fields');
    expect(explain('application.spec.network').fields[1]).not.toHaveProperty('fields');
  });

  it('tells the values that are allowed', () => {
    expect(explain('application.spec.restartPolicy').field?.values).toEqual(['Always', 'OnFailure', 'Never']);
  });

  it.each([
    ['application.spec.contaners', 'application.spec has no field "contaners"', 'did you mean "containers"?'],
    [
      'application.spec.network.x',
      'application.spec.network has no field "x"',
      'its fields are address, ports, allow, egress',
    ],
    ['application.spec.host.x', 'application.spec.host has no field "x"', 'it has no fields'],
    ['application.constructor', 'application has no field "constructor"', expect.any(String)],
    ['pod', 'there is no kind "pod"', 'the kinds are application, host, checkpoint, image, migration'],
    ['', 'there is no kind ""', expect.any(String)],
  ])('%s: what may be meant', (path, message, hint) => {
    expect(thrownBy(path)).toMatchObject({ code: 'not-found', message, hint });
  });
});
