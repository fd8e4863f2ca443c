// The signs that screens are drawn with, for terminals that know Unicode and for those that do not.

export interface Glyphs {
  /** Corners as read, then horizontal and vertical. */
  box: {
    topLeft: string;
    topRight: string;
    bottomLeft: string;
    bottomRight: string;
    horizontal: string;
    vertical: string;
  };
  /** What stands before the selected thing. */
  selected: string;
  /** Where something has been cut off. */
  cut: string;
  /** From low to high. */
  levels: readonly string[];
  right: string;
  left: string;
  /** A way that has been gone, and one that is ahead. */
  gone: string;
  ahead: string;
  down: string;
  up: string;
  moveKeys: string;
  enterKey: string;
}

const unicode: Glyphs = {
  box: {
    topLeft: '╭',
    topRight: '╮',
    bottomLeft: '╰',
    bottomRight: '╯',
    horizontal: '─',
    vertical: '│',
  },
  selected: '▸',
  cut: '…',
  levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  right: '▶',
  left: '◀',
  gone: '━',
  ahead: '┄',
  down: '↓',
  up: '↑',
  moveKeys: '↑↓←→',
  enterKey: '⏎',
};

const ascii: Glyphs = {
  box: {
    topLeft: '+',
    topRight: '+',
    bottomLeft: '+',
    bottomRight: '+',
    horizontal: '-',
    vertical: '|',
  },
  selected: '>',
  cut: '~',
  levels: ['_', '.', ':', '-', '=', '+', '*', '#'],
  right: '>',
  left: '<',
  gone: '=',
  ahead: '.',
  down: 'v',
  up: '^',
  moveKeys: 'arrows',
  enterKey: 'enter',
};

export const glyphs = (knowsUnicode: boolean): Glyphs => (knowsUnicode ? unicode : ascii);

/** Whether the locale says so, by the rules of locale(7): the first of these variables that is set counts. */
export function localeKnowsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}

/** The text as such a terminal can show it. */
export const showable = (text: string, knowsUnicode: boolean): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII is what is looked for
  knowsUnicode ? text : text.replace(/[^\x00-\x7f]/gu, '?');
