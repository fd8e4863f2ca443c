// conmon's log lines: whole ones, and long ones in pieces.
import { describe, expect, it } from '@jest/globals';
import { LogLineReader } from '../../../../agent/runtime/log-line.ts';

describe('LogLineReader', () => {
  it('reads time, stream and text, the text as it is', () => {
    const line = new LogLineReader().read('2026-11-25T16:00:00.123456789+00:00 stderr F  two  spaces ');
    expect(line).toEqual({
      time: '2026-11-25T16:00:00.123456789Z',
      stream: 'stderr',
      line: ' two  spaces ',
    });
  });

  it('puts pieces together, those of either stream apart', () => {
    const reader = new LogLineReader();
    const at = '2026-11-25T16:00:00.000000000+00:00';
    expect(reader.read(`${at} stdout P one `)).toBeUndefined();
    expect(reader.read(`${at} stderr F other`)?.line).toBe('other');
    expect(reader.read(`${at} stdout F two`)?.line).toBe('one two');
    expect(reader.read(`${at} stdout F three`)?.line).toBe('three');
  });

  it('tells time in UTC wherever the host is', () => {
    const line = new LogLineReader().read('2026-11-25T16:00:00.123456789+05:30 stdout F x');
    expect(line?.time).toBe('2026-11-25T10:30:00.123456789Z');
  });

  it('passes over a torn line', () => {
    expect(new LogLineReader().read('2026-11-25T16:00')).toBeUndefined();
  });
});
