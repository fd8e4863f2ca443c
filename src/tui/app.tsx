// The view as a whole: which screen is shown, and what holds for all of them.
import { useApp, useWindowSize } from 'ink';
import { useCallback, useReducer } from 'react';
import { ConfirmScreen } from './confirm-screen.tsx';
import { DetailsScreen } from './details-screen.tsx';
import { EventsScreen } from './events-screen.tsx';
import { HelpScreen } from './help-screen.tsx';
import { KeyProvider } from './key-provider.tsx';
import { LogsScreen } from './logs-screen.tsx';
import { MapScreen } from './map-screen.tsx';
import { MigrateScreen } from './migrate-screen.tsx';
import { type Surroundings, SurroundingsProvider } from './surroundings.ts';
import { firstUi, reduceUi } from './ui-state.ts';
import { useKeys } from './use-keys.ts';
import { useSuspend } from './use-suspend.ts';

export function App({ surroundings, filter }: { surroundings: Surroundings; filter: string }) {
  return (
    <SurroundingsProvider value={surroundings}>
      <KeyProvider>
        <Screens filter={filter} />
      </KeyProvider>
    </SurroundingsProvider>
  );
}

function Screens({ filter }: { filter: string }) {
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  const [ui, dispatch] = useReducer(reduceUi, { ...firstUi, filter });
  const suspend = useSuspend();
  const quit = useCallback(() => exit(), [exit]);
  useKeys((key) => {
    if (key === 'ctrl-z') suspend();
  });
  const common = { ui, dispatch, columns, rows, quit };
  return screenOf(common);
}

function screenOf(common: Parameters<typeof MapScreen>[0]) {
  const { screen } = common.ui;
  switch (screen.name) {
    case 'map':
      return <MapScreen {...common} />;
    case 'help':
      return <HelpScreen {...common} />;
    case 'details':
      return <DetailsScreen {...common} subject={screen.subject} />;
    case 'events':
      return <EventsScreen {...common} subject={screen.subject} />;
    case 'logs':
      return <LogsScreen {...common} application={screen.application} />;
    case 'migrate':
      return <MigrateScreen {...common} application={screen.application} />;
    case 'confirm':
      return <ConfirmScreen {...common} action={screen.action} target={screen.target} />;
  }
}
