// `cmig config …`: the contexts file.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CmigError } from '../../core/errors.ts';
import { changeContexts, putContext, removeContext } from '../change-contexts.ts';
import type { Invocation } from '../command.ts';
import {
  type Context,
  contextsFile,
  fileKeys,
  findContext,
  readContexts,
  resolveContext,
} from '../contexts.ts';

export async function getContexts(invocation: Invocation): Promise<void> {
  const { current, contexts } = await readContexts();
  const rows = contexts.map((context) => ({ ...context, current: context.name === current }));
  if (invocation.output === 'json') return invocation.printJson(rows);
  if (invocation.output === 'yaml') {
    const { stringify } = await import('yaml');
    return void invocation.stdout.write(stringify(rows));
  }
  if (invocation.output === 'name') {
    for (const { name } of rows) invocation.print(name);
    return;
  }
  if (rows.length === 0) return invocation.notice(`no contexts in ${contextsFile()}`);
  const { renderTable } = await import('../../view/table.ts');
  const columns = [
    { header: 'CURRENT', value: (row: (typeof rows)[number]) => (row.current ? '*' : ' ') },
    { header: 'NAME', value: (row: Context) => row.name },
    { header: 'BROKER', value: (row: Context) => row.broker.url },
    {
      header: 'CREDENTIALS',
      value: ({ broker }: Context) => broker.certificateFile ?? broker.credentialsFile ?? '',
    },
  ];
  invocation.stdout.write(renderTable(columns, rows));
}

export async function currentContext(invocation: Invocation): Promise<void> {
  invocation.print((await resolveContext(undefined)).name);
}

export async function useContext(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  await changeContexts(({ contexts }) => {
    findContext(contexts, name, contextsFile());
    return { current: name, contexts };
  });
  invocation.print(`the current context is now "${name}"`);
}

export async function setContext(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  const { contexts } = await readContexts();
  const before = contexts.find((context) => context.name === name);
  const url = invocation.text('broker') ?? before?.broker.url;
  if (url === undefined) {
    throw new CmigError('invalid', `the context "${name}" is new and needs --broker`, {
      hint: 'write it as amqps://HOST:PORT/VHOST',
    });
  }
  checkUrl(url);
  const broker: Context['broker'] = { ...before?.broker, url };
  for (const key of fileKeys) {
    const given = invocation.text(optionOf[key]);
    if (given === undefined) continue;
    if (!(await stat(resolve(given)).catch(() => undefined)))
      throw new CmigError('invalid', `there is no file ${resolve(given)}`);
    broker[key] = resolve(given);
  }
  const together = ['caFile', 'certificateFile', 'keyFile'] as const;
  const missing = together.filter((key) => !broker[key]).map((key) => `--${optionOf[key]}`);
  if (missing.length === 1 || missing.length === 2)
    throw new CmigError(
      'invalid',
      `of a certificate ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`,
      {
        hint: 'certificate, key and the certificate of the authority go together',
      },
    );
  if (invocation.flag('insecure')) broker.insecure = true;
  const context: Context = { name, broker };
  await putContext(context, { use: invocation.flag('use') });
  invocation.print(`context "${name}" ${before ? 'changed' : 'added'}`);
}

/** What sets which key. */
const optionOf = {
  credentialsFile: 'credentials-file',
  caFile: 'ca',
  certificateFile: 'certificate',
  keyFile: 'key',
} as const;

export async function deleteContext(invocation: Invocation): Promise<void> {
  const name = invocation.required('NAME');
  findContext((await readContexts()).contexts, name, contextsFile());
  await removeContext(name);
  invocation.print(`context "${name}" deleted`);
}

function checkUrl(url: string): void {
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  if (!parts || !/^amqps?:$/.test(parts.protocol) || !parts.hostname)
    throw new CmigError('invalid', `"${url.replace(/\/\/[^@/]*@/, '//')}" is not the URL of a broker`, {
      hint: 'write it as amqp://HOST:PORT/VHOST or amqps://HOST:PORT/VHOST',
    });
  if (parts.username || parts.password)
    throw new CmigError('invalid', 'user and password do not belong into the URL of a context', {
      hint: 'put one line user:password into a file and name it with --credentials-file',
    });
}
