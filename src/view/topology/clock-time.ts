// The time of day, as screens show it.

const two = (value: number): string => String(value).padStart(2, '0');

/** `16:44:31` by the local clock; with the date before it where that is not today's. */
export function clockTime(timeMs: number, nowMs = Date.now()): string {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return '?';
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  if (time.toDateString() === new Date(nowMs).toDateString()) return clock;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}
