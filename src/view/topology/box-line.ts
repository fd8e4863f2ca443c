// What the parts of a box are drawn from, and the lines that they are.
import type { Glyphs } from '../glyphs.ts';
import type { ReadModel } from '../read-model/read-model.ts';
import type { Line } from '../spans.ts';

/** `full`: a line for each container; `brief`: containers in the line of their application; `bare`: that alone. */
export type Detail = 'full' | 'brief' | 'bare';

export interface BoxOptions {
  topology: ReadModel;
  nowMs: number;
  glyphs: Glyphs;
  /** The key of the selected thing. */
  selected: string | undefined;
  detail: Detail;
  /** The width of the whole box. */
  width: number;
}

/** A line of a box, drawn only where it is seen, and the key of what it stands for. */
export interface BoxLine {
  draw: () => Line;
  key?: string;
}

export const hostKey = (name: string): string => `host/${name}`;
export const applicationKey = (name: string): string => `application/${name}`;
