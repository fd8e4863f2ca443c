import { describe, expect, it } from '@jest/globals';
import { access, refusalOf } from '../../../src/contract/access.ts';
import { identityText, parseIdentity, type Role, roles } from '../../../src/contract/identity.ts';
import { type MethodName, methods } from '../../../src/contract/methods.ts';

const names = Object.keys(methods) as MethodName[];
const mayAsk = (role: Role): MethodName[] =>
  names.filter((name) => refusalOf({ role, name: 'x' }, name) === undefined);

describe('who may ask for what', () => {
  it('is said of every method, and of nothing else', () => {
    expect(Object.keys(access).sort()).toEqual([...names].sort());
  });

  it('grows from viewer to operator to admin, who may ask for everything', () => {
    const [viewer, operator, admin] = [mayAsk('viewer'), mayAsk('operator'), mayAsk('admin')];
    expect(operator).toEqual(expect.arrayContaining(viewer));
    expect(admin).toEqual(names);
    for (const name of [
      'application.exec',
      'application.deploy',
      'migration.presync',
      'checkpoint.export',
    ] as const)
      expect([viewer.includes(name), operator.includes(name)]).toEqual([false, true]);
    for (const name of ['host.cordon', 'host.put', 'host.rotate-key'] as const)
      expect(operator).not.toContain(name);
    // Whoever only looks changes nothing: these are all there is, and a new one is put here on purpose.
    expect(viewer.filter((name) => !/\.(describe|list|get|places|ports|logs)$/.test(name))).toEqual([
      'host.known-places',
      'host.clock',
      'session.input',
      'session.close',
    ]);
  });

  it('is for hosts what they settle among themselves, and for a broker nothing', () => {
    expect(mayAsk('broker')).toEqual([]);
    expect(mayAsk('host').filter((name) => !/\.(describe|list|get|places)$/.test(name))).toEqual([
      'host.clock',
      'host.put',
      'image.put',
      'checkpoint.expect',
      'checkpoint.take-in',
      'migration.permit',
      'migration.finish',
      'migration.abort',
    ]);
  });
});

describe('an identity', () => {
  it('is read as it is written, and from nothing else', () => {
    for (const role of roles)
      expect(parseIdentity(identityText({ role, name: 'a-1' }))).toEqual({ role, name: 'a-1' });
    for (const text of [
      '',
      'cmig',
      'admin',
      'admin.',
      '.a',
      'root.a',
      'admin.a.b',
      'Admin.a',
      'admin.a\n',
      undefined,
    ])
      expect(parseIdentity(text)).toBeUndefined();
  });
});
