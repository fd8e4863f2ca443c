// Keys by name: `up`, `enter`, `ctrl-z`, or the character itself.
import type { Key } from 'ink';

const named = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
] as const satisfies [keyof Key, string][];

/** What was pressed; several keys where they came so fast that the terminal sent them together. */
export function keyNames(input: string, key: Key): string[] {
  if (key.tab) return [key.shift ? 'shift-tab' : 'tab'];
  for (const [property, name] of named) if (key[property]) return [name];
  if (key.ctrl) return input ? [`ctrl-${input}`] : [];
  const typed = [...input].map((character) => {
    if (character === '\r' || character === '\n') return 'enter';
    return character === '\t' ? 'tab' : character;
  });
  // A terminal sends Alt as an escape before the key; nothing here is done by Alt, so it was an escape.
  return key.meta ? ['escape', ...typed] : typed;
}
