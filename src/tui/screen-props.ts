// What every screen is given.
import type { Dispatch } from 'react';
import type { Ui, UiAction } from './ui-state.ts';

export interface ScreenProps {
  ui: Ui;
  dispatch: Dispatch<UiAction>;
  columns: number;
  rows: number;
}
