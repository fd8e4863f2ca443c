// `cmig delete`.
import { CmigError } from '../../core/errors.ts';
import { throwAll } from '../../core/throw-all.ts';
import { deleteCheckpoint } from '../../orchestrator/checkpoints.ts';
import { deleteApplication } from '../../orchestrator/deleting.ts';
import type { Invocation } from '../command.ts';
import { kindNamed } from '../declarations/kinds.ts';
import { oneByOne } from '../one-by-one.ts';
import { selectedNames } from '../selected-names.ts';
import { withOrchestrator } from '../session.ts';

interface Deleted {
  name: string;
  host: string;
}

export async function run(invocation: Invocation): Promise<void> {
  const selector = invocation.text('selector');
  const checkpoints = namedCheckpoints(invocation.texts('APP'), selector !== undefined);
  const isOfKind = checkpoints !== undefined;
  const kind = isOfKind ? 'checkpoint' : 'application';
  const named = isOfKind ? [...new Set(checkpoints)] : await readNames(invocation);
  if (selector === undefined && named.length === 0) {
    throw new CmigError('invalid', 'nothing to delete was named', {
      hint: 'give names of applications, manifests with -f, or labels with -l',
    });
  }
  if (selector !== undefined && named.length > 0) {
    throw new CmigError('invalid', `${kind}s are either named or selected, not both`, {
      hint: 'leave out either -l or the names and -f',
    });
  }
  const deleted: Deleted[] = [];
  const failures = await withOrchestrator(invocation, async (session) => {
    const { signal } = invocation;
    const names = selector === undefined ? named : await selectedNames(invocation, session, selector, kind);
    return oneByOne(names, async (name) => {
      const { hosts, unasked } = isOfKind
        ? await deleteCheckpoint(session, name, { signal })
        : { hosts: [(await deleteApplication(session, name, { signal })).status.host], unasked: [] };
      deleted.push(...hosts.map((host) => ({ name, host })));
      if (invocation.output === 'name') invocation.print(`${kind}/${name}`);
      else if (invocation.output !== 'json') invocation.print(`${kind}/${name} deleted`);
      if (unasked.length > 0) throw mayBeKept(name, unasked);
    });
  });
  if (invocation.output === 'json') invocation.printJson({ deleted });
  throwAll(failures, `${failures.length} ${kind}s were not deleted`);
}

/** A copy comes to another host by a restore there. */
const mayBeKept = (checkpoint: string, hosts: readonly string[]): CmigError =>
  new CmigError(
    'unreachable',
    `${hosts.join(', ')} did not answer and may keep a copy of checkpoint ${checkpoint}`,
    {
      hint: `once they answer, again: cmig delete checkpoint ${checkpoint}`,
    },
  );

/** Of `checkpoint a b`, or `checkpoint/a checkpoint/b` as `-o name` prints them; undefined where they are applications. */
function namedCheckpoints(words: readonly string[], selected: boolean): string[] | undefined {
  const [first = '', ...others] = words;
  // An application of that name is deleted alone, or by a manifest.
  if (kindNamed(first) === 'checkpoints' && (others.length > 0 || selected)) return others;
  const names = words.map((word) => {
    const [kind = '', name] = word.split('/');
    return kindNamed(kind) === 'checkpoints' ? name : undefined;
  });
  const found = names.filter((name) => name !== undefined);
  if (found.length === 0) return undefined;
  if (found.length === words.length) return found;
  throw new CmigError('invalid', 'applications and checkpoints are not deleted by one command', {
    hint: 'name those of one kind only',
  });
}

async function readNames(invocation: Invocation): Promise<string[]> {
  const names = [...invocation.texts('APP')];
  if (invocation.texts('file').length > 0) {
    const { namedManifests } = await import('../named-manifests.ts');
    const loaded = await namedManifests(invocation, true);
    names.push(...loaded.map(({ manifest }) => manifest.metadata.name));
  }
  return [...new Set(names)];
}
