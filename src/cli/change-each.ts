// Does one thing to several applications, one after the other: `stop`, `start`.
import type { Application } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import { throwAll } from '../core/throw-all.ts';
import type { ChangeOptions } from '../orchestrator/changing.ts';
import type { OrchestratorContext } from '../orchestrator/context.ts';
import { listOf } from '../view/resource-output.ts';
import type { Invocation } from './command.ts';
import { oneByOne } from './one-by-one.ts';
import { selectedNames } from './selected-names.ts';
import { withOrchestrator } from './session.ts';

type Change = (context: OrchestratorContext, name: string, options: ChangeOptions) => Promise<Application>;

/**
 * One that fails does not keep the others; interrupted, it does not wait for the end. JSON is the application where one was
 * named, or a List.
 * @param past what has then been done to it, such as `stopped`
 */
export async function changeEach(invocation: Invocation, change: Change, past: string): Promise<void> {
  const named = [...new Set(invocation.texts('APP'))];
  const selector = invocation.text('selector');
  if (named.length > 0 === (selector !== undefined)) {
    throw new CmigError('invalid', 'applications are either named or selected', {
      hint: `such as: ${invocation.path} shop, or ${invocation.path} -l tier=web`,
    });
  }
  const json = invocation.output === 'json';
  const timeoutMs = invocation.durationMs('timeout');
  const changed: Application[] = [];
  const failures = await withOrchestrator(invocation, async (session) => {
    const { signal } = invocation;
    const names = selector === undefined ? named : await selectedNames(invocation, session, selector);
    return oneByOne(names, async (name) => {
      changed.push(await change(session, name, { timeoutMs, signal }));
      if (!json) invocation.print(`application/${name} ${past}`);
    });
  });
  const isSingle = selector === undefined && named.length === 1;
  if (json && (changed.length > 0 || failures.length === 0))
    invocation.printJson(isSingle ? changed[0] : listOf(changed));
  throwAll(failures, `${failures.length} applications were not ${past}`);
}
