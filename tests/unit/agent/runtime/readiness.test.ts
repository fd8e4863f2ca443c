// Who listens, as the kernel's tables tell.
import { describe, expect, it } from '@jest/globals';
import { parseListeners } from '../../../../agent/runtime/readiness.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state: string) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1234 1\n`;

describe('parseListeners', () => {
  it('tells loopback, one address and the wildcard apart', () => {
    // 0x18EB = 6379
    expect(parseListeners(head + line('0100007F:18EB', '0A'), 6379)).toEqual(['127.0.0.1']);
    expect(parseListeners(head + line('0A004D0A:18EB', '0A'), 6379)).toEqual(['10.77.0.10']);
    expect(parseListeners(head + line('00000000:18EB', '0A'), 6379)).toEqual(['any']);
    const wildcard6 = '00000000000000000000000000000000:18EB';
    expect(parseListeners(head + line(wildcard6, '0A'), 6379)).toEqual(['any']);
  });

  it('passes over connections and other ports', () => {
    const established = line('0100007F:18EB', '01');
    const other = line('0100007F:0050', '0A');
    expect(parseListeners(head + established + other, 6379)).toEqual([]);
  });
});
