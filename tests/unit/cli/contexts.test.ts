import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { putContext, removeContext } from '../../../src/cli/change-contexts.ts';
import { contextsFile, readContexts, resolveContext } from '../../../src/cli/contexts.ts';
import type { CmigError } from '../../../src/core/errors.ts';

let folder: string;
let file: string;
const context = (name: string) => ({ name, broker: { url: `amqp://127.0.0.1:5672/${name}` } });
const refusal = (promise: Promise<unknown>): Promise<CmigError> =>
  promise.then(
    () => {
      throw new Error('not refused');
    },
    (error) => error,
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-contexts-'));
  file = join(folder, 'deep', 'config.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the contexts file', () => {
  it('is where the environment says', () => {
    expect(contextsFile({ CMIG_CONFIG: '/a/b', XDG_CONFIG_HOME: '/x' })).toBe('/a/b');
    expect(contextsFile({ XDG_CONFIG_HOME: '/x' })).toBe('/x/cmig/config.yaml');
  });

  it('keeps contexts, readable by its owner only, and leaves nothing beside it', async () => {
    await putContext(context('lab'), {}, file);
    await chmod(file, 0o644);
    await putContext(context('prod'), {}, file);
    expect(await readContexts(file)).toEqual({
      current: 'lab',
      contexts: [context('lab'), context('prod')],
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'deep'))).toEqual(['config.yaml']);
  });

  it('makes a context the current one where asked, or where the current one is gone', async () => {
    await putContext(context('a'), {}, file);
    await putContext(context('b'), { use: true }, file);
    expect((await resolveContext(undefined, file)).name).toBe('b');
    await removeContext('b', file);
    expect((await readContexts(file)).current).toBeUndefined();
    expect((await refusal(resolveContext(undefined, file))).hint).toContain('cmig config use-context');
    await putContext(context('c'), {}, file);
    expect((await resolveContext(undefined, file)).name).toBe('c');
  });

  it('loses none of several changes at once', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `lab-${index}`);
    await Promise.all(names.map((name) => putContext(context(name), {}, file)));
    expect((await readContexts(file)).contexts.map(({ name }) => name)).toEqual(names);
  });

  it('says what to do where there is no context, and what may have been meant', async () => {
    const none = await refusal(resolveContext(undefined, file));
    expect([none.code, none.hint]).toEqual(['not-found', expect.stringContaining('cmig lab up')]);
    await putContext(context('production'), {}, file);
    const unknown = await refusal(resolveContext('prodution', file));
    expect([unknown.code, unknown.hint]).toEqual(['not-found', 'did you mean "production"?']);
  });

  it('has credentials files relative to itself', async () => {
    await putContext(context('a'), {}, file);
    await writeFile(file, 'contexts: [{name: a, broker: {url: "amqp://a", credentialsFile: secrets/a}}]');
    const { broker } = await resolveContext('a', file);
    expect(broker.credentialsFile).toBe(join(folder, 'deep', 'secrets/a'));
  });

  it('has certificates, all that belongs to one or none', async () => {
    const all = { url: 'amqps://a', caFile: '/ca', certificateFile: '/c', keyFile: '/k', insecure: false };
    await putContext({ name: 'a', broker: all }, {}, file);
    expect((await resolveContext('a', file)).broker).toEqual(all);
    await writeFile(file, 'contexts: [{name: a, broker: {url: "amqps://a", keyFile: /k, insecure: 1}}]');
    const { problems } = await refusal(readContexts(file));
    expect(problems?.map(({ message }) => message)).toEqual([
      'insecure must be true or false',
      expect.stringContaining('go together'),
    ]);
  });

  it('stays the YAML that a person made it', async () => {
    await putContext(context('a'), {}, file);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ 'current-context': 'a' });
    await writeFile(file, 'current-context: b\ncontexts:\n  - name: b\n    broker: {url: "amqp://b"}\n');
    await putContext(context('c'), {}, file);
    expect(await readFile(file, 'utf8')).toMatch(/^current-context: b\ncontexts:\n {2}- name: b\n/);
    expect((await readContexts(file)).contexts.map(({ name }) => name)).toEqual(['b', 'c']);
  });

  it('is refused with the place of every mistake, and left as it is', async () => {
    await putContext(context('a'), {}, file);
    const wrong = [
      'current-contxt: a',
      'contexts:',
      '  - name: a',
      '    broker: {url: 5}',
      '  - name: a',
      '    broker: [x]',
      '',
    ].join('\n');
    await writeFile(file, wrong);
    const error = await refusal(putContext(context('b'), {}, file));
    expect(error.code).toBe('invalid');
    expect(error.problems).toEqual([
      {
        where: `${file}:1:17`,
        message: 'unknown key "current-contxt"',
        hint: 'did you mean "current-context"?',
      },
      { where: `${file}:4:19`, message: 'contexts.0.broker.url must be a text' },
      { where: `${file}:5:11`, message: 'there are two contexts "a"' },
      { where: `${file}:6:13`, message: 'contexts.1.broker must be a mapping' },
    ]);
    expect(await readFile(file, 'utf8')).toBe(wrong);
  });

  it('is refused with the place where it is no YAML', async () => {
    await putContext(context('a'), {}, file);
    await writeFile(file, 'contexts: [a\nb: }\n');
    const error = await refusal(readContexts(file));
    expect(error.problems?.[0]?.where).toBe(`${file}:2:1`);
  });
});
