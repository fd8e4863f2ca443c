// Asks both hosts whether the migration can succeed, before anything is changed.
import type { Problem } from '../../../contract/fault.ts';
import { CmigError } from '../../../core/errors.ts';
import { problemText } from '../../../core/problem-text.ts';
import type { Step } from '../step.ts';

/** @throws CmigError `preflight-refused` with every problem that either host has found. */
export const preflight: Step = {
  name: 'preflight',
  title: 'check both hosts',
  async run(run) {
    const application = run.application.metadata.name;
    const [from, to] = [run.from.metadata.name, run.to.metadata.name];
    const source = await run.rpc.call(
      from,
      'migration.preflight.source',
      { application, to },
      { timeoutMs: 30_000 },
    );
    const problems: Problem[] = [...source.report.problems];
    const warnings: Problem[] = [...source.report.warnings];
    if (source.facts) {
      run.facts = source.facts;
      const destination = await run.rpc.call(
        to,
        'migration.preflight.destination',
        { from, facts: source.facts },
        { timeoutMs: 30_000 },
      );
      problems.push(...destination.report.problems);
      warnings.push(...destination.report.warnings);
    }
    run.findings.push(...warnings);
    run.warnings.push(...warnings.map(problemText));
    if (problems.length > 0 || !run.facts) {
      throw new CmigError(
        'preflight-refused',
        `${application} cannot move from ${from} to ${to}; nothing was changed`,
        {
          ...{ problems, warnings },
          hint: 'mend what is listed, then migrate again',
        },
      );
    }
    return warnings.length > 0 ? warnings.map(({ message }) => message).join('; ') : undefined;
  },
};
