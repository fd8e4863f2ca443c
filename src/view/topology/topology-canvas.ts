// All boxes side by side, as one canvas of lines of which a screen shows a part.
import type { Glyphs } from '../glyphs.ts';
import type { ReadModel } from '../read-model/read-model.ts';
import { type Line, span } from '../spans.ts';
import type { BoxLine, Detail } from './box-line.ts';
import { closeBox, hostBox } from './host-box.ts';
import type { ShownHost } from './topology-filter.ts';

const narrowestBox = 40;
const widestBox = 100;

export interface CanvasOptions {
  topology: ReadModel;
  shown: readonly ShownHost[];
  nowMs: number;
  glyphs: Glyphs;
  selected: string | undefined;
  columns: number;
  /** How many lines there are for it: as much detail is shown as fits; all of it if absent. */
  rows?: number;
}

export interface Canvas {
  /** Drawn only where they are seen. */
  lines: (() => Line)[];
  /** What can be selected, in the order in which it is read. */
  items: CanvasItem[];
}

export interface CanvasItem {
  key: string;
  /** Which of the canvas's lines it stands in. */
  line: number;
  /** Which box it is in. */
  box: number;
}

/** How many boxes stand side by side. */
export const boxesPerRow = (columns: number, hosts: number): number =>
  Math.max(1, Math.min(Math.floor(columns / narrowestBox), hosts));

export function drawCanvas(options: CanvasOptions): Canvas {
  const { rows = Number.POSITIVE_INFINITY } = options;
  const least = drawWith('bare', options);
  // With very many hosts nothing else fits, and need not be tried.
  if (least.lines.length > rows) return least;
  const details: Detail[] = ['full', 'brief'];
  const canvases = details.map((detail) => drawWith(detail, options));
  return canvases.find((canvas) => canvas.lines.length <= rows) ?? least;
}

function drawWith(detail: Detail, { shown, columns, ...options }: CanvasOptions): Canvas {
  const perRow = boxesPerRow(columns, shown.length);
  const width = Math.min(widestBox, Math.floor(columns / perRow));
  const lines: Canvas['lines'] = [];
  const items: CanvasItem[] = [];
  for (let start = 0; start < shown.length; start += perRow) {
    const boxes = shown
      .slice(start, start + perRow)
      .map((host) => hostBox(host, { ...options, detail, width }));
    const height = Math.max(...boxes.map((box) => box.length)) + 1;
    const closed = boxes.map((box) => closeBox(box, height, width, options.glyphs));
    boxes.forEach((box, index) => {
      box.forEach(({ key }: BoxLine, line) => {
        if (key) items.push({ key, line: lines.length + line, box: start + index });
      });
    });
    for (let line = 0; line < height; line += 1)
      lines.push(() => closed.flatMap((box) => [...box[line]!.draw()]));
  }
  return { lines, items };
}

/** The part of the canvas that has the selected thing in it, moved no further than needed. */
export function cutCanvas(
  canvas: Canvas,
  rows: number,
  before: number,
  selected: string | undefined,
  glyphs: Glyphs,
): { lines: readonly Line[]; from: number } {
  const most = Math.max(0, canvas.lines.length - rows);
  const at = canvas.items.find(({ key }) => key === selected)?.line;
  let from = Math.min(Math.max(0, before), most);
  // A line of what is around it stays in sight.
  if (at !== undefined && at - 1 < from) from = Math.max(0, at - 1);
  if (at !== undefined && at + 2 >= from + rows) from = Math.min(most, Math.max(0, at + 3 - rows));
  const lines = canvas.lines.slice(from, from + rows).map((draw) => draw());
  const below = canvas.lines.length - from - lines.length;
  if (from > 0 && lines.length > 0) lines[0] = [span(`${glyphs.up} ${from} more lines above`, 'dim')];
  if (below > 0 && lines.length > 1)
    lines[lines.length - 1] = [span(`${glyphs.down} ${below} more lines below`, 'dim')];
  return { lines, from };
}
