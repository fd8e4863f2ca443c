// `--since`: a duration before now, or a time.
import { CmigError } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';

/** `5m` or `2030-01-31T12:00:00Z`. @throws CmigError `invalid` */
export function parseSince(text: string, now = Date.now()): Date {
  if (/^[0-9.]+(ms|s|m|h)$/.test(text)) return new Date(now - parseDurationMs(text));
  const time = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time))
    throw new CmigError('invalid', `--since: "${text}" is neither a duration nor a time`, {
      hint: 'write it as 90s, 5m, 1h or 2030-01-31T12:00:00Z',
    });
  return new Date(time);
}
