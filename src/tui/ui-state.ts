// Where one is in the view: which screen, what is selected, what is filtered; apart from what is known of the hosts.
import type { Tone } from '../view/spans.ts';
import type { CanvasItem } from '../view/topology/topology-canvas.ts';
import type { ConfirmedAction } from './actions.ts';

export interface Message {
  text: string;
  tone?: Tone;
}

export type Screen =
  | { name: 'map' }
  | { name: 'help' }
  /** Subjects are keys such as `application/shop`. */
  | { name: 'details'; subject: string }
  | { name: 'events'; subject: string }
  | { name: 'logs'; application: string }
  | { name: 'migrate'; application: string }
  /** `target` is the name of an application or host. */
  | { name: 'confirm'; action: ConfirmedAction; target: string };

export interface Ui {
  screen: Screen;
  /** Where `escape` leads. */
  back: readonly Screen[];
  selected?: string;
  filter: string;
  typing: boolean;
  message?: Message;
}

export type UiAction =
  | { type: 'open'; screen: Screen }
  | { type: 'close' }
  /** `next` and `previous` thing; `left` and `right` to the box beside; `box` and `box-before` in reading order. */
  | { type: 'move'; to: Move; items: readonly CanvasItem[]; perRow: number }
  | { type: 'type'; key: string }
  | { type: 'filter' }
  | { type: 'tell'; message: Message }
  | { type: 'quiet' };

export type Move = 'next' | 'previous' | 'left' | 'right' | 'box' | 'box-before' | 'first' | 'last';

export const firstUi: Ui = { screen: { name: 'map' }, back: [], filter: '', typing: false };

export function reduceUi(ui: Ui, action: UiAction): Ui {
  switch (action.type) {
    case 'open':
      return withoutMessage({ ...ui, screen: action.screen, back: [...ui.back, ui.screen] });
    case 'close':
      return withoutMessage({ ...ui, screen: ui.back.at(-1) ?? { name: 'map' }, back: ui.back.slice(0, -1) });
    case 'move': {
      const selected = moveSelection(action.items, ui.selected, action.to, action.perRow);
      return withoutMessage(selected === undefined ? ui : { ...ui, selected });
    }
    case 'filter':
      return withoutMessage({ ...ui, typing: true });
    case 'type':
      return typed(ui, action.key);
    case 'tell':
      return { ...ui, message: action.message };
    case 'quiet':
      return withoutMessage(ui);
  }
}

function withoutMessage({ message: _, ...ui }: Ui): Ui {
  return ui;
}

function typed(ui: Ui, key: string): Ui {
  if (key === 'enter') return { ...ui, typing: false };
  if (key === 'escape') return { ...ui, typing: false, filter: '' };
  if (key === 'backspace') return { ...ui, filter: [...ui.filter].slice(0, -1).join('') };
  return key.length === 1 ? { ...ui, filter: ui.filter + key } : ui;
}

/** The selected thing, or the first one where it has gone. */
export const settleSelection = (keys: readonly string[], selected: string | undefined): string | undefined =>
  selected !== undefined && keys.includes(selected) ? selected : keys[0];

/** What is selected after a move; undefined where there is nothing. */
export function moveSelection(
  items: readonly CanvasItem[],
  selected: string | undefined,
  to: Move,
  perRow: number,
): string | undefined {
  const index = Math.max(
    0,
    items.findIndex(({ key }) => key === selected),
  );
  const { box = 0 } = items[index] ?? {};
  const headOf = (wanted: number) => items.find((item) => item.box === wanted)?.key ?? items[index]?.key;
  const boxes = (items.at(-1)?.box ?? 0) + 1;
  switch (to) {
    case 'first':
      return items[0]?.key;
    case 'last':
      return items.at(-1)?.key;
    case 'next':
      return items[Math.min(items.length - 1, index + 1)]?.key;
    case 'previous':
      return items[Math.max(0, index - 1)]?.key;
    case 'left':
      return box % perRow === 0 ? headOf(box) : headOf(box - 1);
    case 'right':
      return box % perRow === perRow - 1 ? headOf(box) : headOf(box + 1);
    case 'box':
      return headOf((box + 1) % boxes);
    case 'box-before':
      return headOf((box + boxes - 1) % boxes);
  }
}
