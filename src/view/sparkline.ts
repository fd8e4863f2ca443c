// A row of small bars: how a figure went lately.
import type { Glyphs } from './glyphs.ts';

/**
 * The newest values at the right, in exactly `width` columns.
 * @param top the value of a full bar; the greatest of those shown if absent
 */
export function sparkline(
  values: readonly number[],
  width: number,
  { levels }: Glyphs,
  top?: number,
): string {
  const shown = values.slice(-width);
  const full = top ?? Math.max(...shown, 0);
  const bar = (value: number) => {
    const share = full > 0 ? Math.min(1, Math.max(0, value / full)) : 0;
    return levels[Math.min(levels.length - 1, Math.floor(share * levels.length))]!;
  };
  return shown.map(bar).join('').padStart(width);
}
