// Asks before an application is stopped or started.
import { span } from '../view/spans.ts';
import { Frame } from './frame.tsx';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useKeys } from './use-keys.ts';
import { useTopology } from './use-topology.ts';

interface ConfirmScreenProps extends ScreenProps {
  action: 'stop' | 'start';
  application: string;
  quit: () => void;
}

export function ConfirmScreen({
  ui,
  dispatch,
  columns,
  rows,
  action,
  application,
  quit,
}: ConfirmScreenProps) {
  const { actions } = useSurroundings();
  const host = useTopology().applications.get(application)?.status.host ?? 'an unknown host';
  useKeys((key) => {
    if (key === 'ctrl-c') return quit();
    if (key === 'n' || key === 'escape' || key === 'q') return dispatch({ type: 'close' });
    if (key !== 'y') return;
    dispatch({ type: 'close' });
    const doing = action === 'stop' ? 'is being stopped' : 'is being started';
    dispatch({ type: 'tell', message: { text: `${application} ${doing}` } });
    actions[action](application).then(
      (text) => dispatch({ type: 'tell', message: { text, tone: 'good' } }),
      (error: Error) => dispatch({ type: 'tell', message: { text: error.message, tone: 'bad' } }),
    );
  });
  const question = action === 'stop' ? 'Stop' : 'Start';
  const consequence =
    action === 'stop'
      ? 'Its containers end; its files stay.'
      : 'Its containers are started as its manifest says.';
  return (
    <Frame
      body={[
        [span(`${question} application/${application} on ${host}?`, 'warn', { bold: true })],
        [],
        [span(consequence)],
      ]}
      columns={columns}
      rows={rows}
      message={ui.message}
      hints={[
        ['y', `yes, ${action} it`],
        ['n', 'no'],
      ]}
    />
  );
}
