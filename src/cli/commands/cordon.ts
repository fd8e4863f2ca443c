// `cmig cordon` and `cmig uncordon`.
import { CmigError } from '../../core/errors.ts';
import { type CordonResult, cordonHosts } from '../../orchestrator/cordoning.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export const cordon = (invocation: Invocation): Promise<void> => run(invocation, true);
export const uncordon = (invocation: Invocation): Promise<void> => run(invocation, false);

async function run(invocation: Invocation, unschedulable: boolean): Promise<void> {
  const names = invocation.texts('HOST');
  const selector = invocation.text('selector');
  if (names.length > 0 === (selector !== undefined)) {
    throw new CmigError('invalid', 'hosts are either named or selected', {
      hint: `such as: ${invocation.path} host-a, or ${invocation.path} -l zone=west`,
    });
  }
  const { output } = invocation;
  const done: CordonResult[] = [];
  const onResult = (result: CordonResult): void => {
    done.push(result);
    if (output === 'name') invocation.print(`host/${result.name}`);
    else if (output !== 'json') invocation.print(sentence(result));
  };
  try {
    await withOrchestrator(invocation, (session) =>
      cordonHosts(session, { names, selector, unschedulable, onResult }),
    );
  } finally {
    if (output === 'json' && done.length > 0) invocation.printJson({ hosts: done });
  }
  if (done.length > 0) return;
  if (output === 'json') invocation.printJson({ hosts: done });
  else invocation.notice('no hosts found');
}

/** As kubectl says it. */
const sentence = ({ name, unschedulable, changed }: CordonResult): string =>
  `host/${name} ${changed ? '' : 'already '}${unschedulable ? 'cordoned' : 'uncordoned'}`;
