// Which files ask the CPU what it can do: by their code, real ones among them.
import { describe, expect, it } from '@jest/globals';
import { codeAsksCpu, readElf } from '../../../../agent/cpu/elf-file.ts';

const code = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('code asks the CPU', () => {
  it.each([
    ['mov $7, %eax; xor %ecx, %ecx; cpuid', 'b8 07000000 31c9 0fa2'],
    ['xor %eax, %eax; mov %rbx, %rsi; cpuid', '31c0 4889de 0fa2'],
    ['mov $0x80000001, %eax; cpuid', 'b8 01000080 0fa2'],
    ['mov %edi, %eax; mov %esi, %ecx; cpuid', '89f8 89f1 0fa2'],
  ])('by %s', (_, hex) => {
    expect(codeAsksCpu(code(`9090 ${hex} c3`))).toBe(true);
  });

  it('not where the two bytes are but part of a number, or of nothing that is asked', () => {
    expect(codeAsksCpu(code('48c7c0 0fa20000 c3'))).toBe(false);
    expect(codeAsksCpu(code('b8 40000000 0fa2 c3'))).toBe(false);
    expect(codeAsksCpu(Buffer.alloc(100))).toBe(false);
  });
});

describe('an ELF file', () => {
  it('of this Node asks, and is not linked statically', async () => {
    expect(await readElf(process.execPath)).toMatchObject({
      loader: expect.stringMatching(/^\/lib.*ld-/) as unknown,
      asksCpu: true,
    });
  });

  it('is none where it is something else', async () => {
    expect(await readElf(import.meta.filename)).toBeUndefined();
    expect(await readElf('/dev/null')).toBeUndefined();
  });
});
