// Ages, sizes, durations and rates as people read them.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** An age or uptime in two units at most, by kubectl's rules: 95s, 5m3s, 95m, 5h12m, 30h, 3d4h, 45d, 2y40d. */
export function formatAge(ms: number): string {
  if (!Number.isFinite(ms)) return '<unknown>';
  const whole = Math.max(0, ms);
  const two = (unit: number, name: string, smaller: number, smallerName: string) => {
    const rest = Math.floor((whole % unit) / smaller);
    return `${Math.floor(whole / unit)}${name}${rest > 0 ? `${rest}${smallerName}` : ''}`;
  };
  if (whole < 2 * minute) return `${Math.floor(whole / second)}s`;
  if (whole < 10 * minute) return two(minute, 'm', second, 's');
  if (whole < 3 * hour) return `${Math.floor(whole / minute)}m`;
  if (whole < 8 * hour) return two(hour, 'h', minute, 'm');
  if (whole < 2 * day) return `${Math.floor(whole / hour)}h`;
  if (whole < 8 * day) return two(day, 'd', hour, 'h');
  if (whole < 730 * day) return `${Math.floor(whole / day)}d`;
  return two(365 * day, 'y', day, 'd');
}

/** The age of an RFC 3339 time; `<unknown>` where it is absent or no time. */
export const formatAgeOf = (time: string | undefined, now = Date.now()): string =>
  time === undefined ? '<unknown>' : formatAge(now - Date.parse(time));

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 25165824 -> `24 MiB`; three significant digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would be printed as 1024.
  while (value >= 1023.5 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${sizeUnits[unit]}`;
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** 630 -> `0.63 s`, 12340 -> `12.3 s`, 95000 -> `1m35s`. */
export function formatDuration(ms: number): string {
  if (ms < 9995) return `${(ms / second).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / second).toFixed(1)} s`;
  const seconds = Math.round(ms / second);
  if (seconds >= 3600) return formatAge(ms);
  return `${Math.floor(seconds / 60)}m${seconds % 60 > 0 ? `${seconds % 60}s` : ''}`;
}

/** `5 connections`, `1 connection`. */
export const formatCount = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;
