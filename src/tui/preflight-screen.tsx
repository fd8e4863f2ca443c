// What both hosts say to a migration, before it is confirmed.
import { useEffect, useState } from 'react';
import { CmigError } from '../core/errors.ts';
import { problemText } from '../core/problem-text.ts';
import type { MigrationReport } from '../orchestrator/migration/migrate.ts';
import { type Line, span } from '../view/spans.ts';
import { Frame } from './frame.tsx';
import type { KeyHint } from './key-line.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useKeys } from './use-keys.ts';

interface PreflightScreenProps extends ScreenProps {
  title: string;
  application: string;
  to: string;
  strategy: string;
  onBack: () => void;
  quit: () => void;
}

type Answer = { plan: MigrationReport } | { refusal: CmigError };

export function PreflightScreen(props: PreflightScreenProps) {
  const { ui, dispatch, columns, rows, title, application, to, strategy, onBack, quit } = props;
  const { actions } = useSurroundings();
  const [answer, setAnswer] = useState<Answer>();
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked counts how often
  useEffect(() => {
    const stop = new AbortController();
    const answered = (found: Answer) => !stop.signal.aborted && setAnswer(found);
    setAnswer(undefined);
    actions.preflight(application, to, strategy, stop.signal).then(
      (plan) => answered({ plan }),
      (error: unknown) => answered({ refusal: asCmigError(error) }),
    );
    return () => stop.abort();
  }, [actions, application, to, strategy, asked]);

  const begin = (): void => {
    dispatch({ type: 'close' });
    dispatch({ type: 'tell', message: { text: `the migration of ${application} to ${to} has begun` } });
    actions.migrate(application, to, strategy).then(
      (text) => dispatch({ type: 'tell', message: { text, tone: 'good' } }),
      (error: Error) => dispatch({ type: 'tell', message: { text: error.message, tone: 'bad' } }),
    );
  };
  useKeys((key) => {
    if (key === 'escape' || key === 'q' || key === 'n') onBack();
    if (key === 'ctrl-c') quit();
    if (key === 'r') setAsked((before) => before + 1);
    if ((key === 'y' || key === 'enter') && answer && 'plan' in answer) begin();
  });
  const possible = answer && 'plan' in answer;
  const hints: KeyHint[] = [
    ...(possible ? ([['y', 'yes, migrate now']] as const) : []),
    ...(answer ? ([['r', 'ask again']] as const) : []),
    ['esc', 'back'],
  ];
  const body: Line[] = [[span(title, 'accent', { bold: true })], [], ...answerLines(answer)];
  return <Frame body={body} columns={columns} rows={rows} message={ui.message} hints={hints} />;
}

const asCmigError = (error: unknown): CmigError =>
  error instanceof CmigError ? error : new CmigError('failed', String(error));

function answerLines(answer: Answer | undefined): Line[] {
  if (!answer) return [[span('asking both hosts', 'dim')]];
  if ('plan' in answer) {
    const { plan = [], warnings, strategy, connections } = answer.plan;
    return [
      [span('preflight: both hosts agree', 'good'), span(`  (${strategy})`, 'dim')],
      ...warnings.map((warning): Line => [span(`  warning: ${warning}`, 'warn')]),
      ...(connections > 0 ? [[span(`  open connections: ${connections}`)]] : []),
      [],
      ...plan.map((step, index): Line => [span(`  ${index + 1}. ${step}`)]),
    ];
  }
  const { code, message, hint, problems = [], warnings = [] } = answer.refusal;
  return [
    [
      span(code === 'preflight-refused' ? 'preflight: refused' : 'preflight: not possible', 'bad', {
        bold: true,
      }),
    ],
    [span(message)],
    ...problems.flatMap((problem): Line[] => [
      [span('  - ', 'bad'), span(problem.message)],
      ...(problem.hint ? [[span(`    ${problem.hint}`, 'dim')]] : []),
    ]),
    ...warnings.map((warning): Line => [span(`  warning: ${problemText(warning)}`, 'warn')]),
    ...(hint ? [[], [span(hint, 'dim')]] : []),
  ];
}
