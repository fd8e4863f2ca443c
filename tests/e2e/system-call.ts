// The smallest programs that make one system call: for trying what a container's filter lets through.

const x64 = (number: number): Buffer =>
  Buffer.from([
    ...[0xb8, ...word(number)], // mov eax, number
    ...[0x31, 0xff, 0x31, 0xf6, 0x31, 0xd2, 0x45, 0x31, 0xd2], // xor of edi, esi, edx, r10d: four times 0
    ...[0x0f, 0x05], // syscall
    ...[0xf7, 0xd8, 0x89, 0xc7], // neg eax; mov edi, eax
    ...[0xb8, ...word(60), 0x0f, 0x05], // exit
  ]);

const arm64 = (number: number): Buffer =>
  Buffer.from(
    [
      0xd2800008 + number * 32, // mov x8, number
      ...[0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003], // mov x0 to x3, 0
      ...[0xd4000001, 0x4b0003e0], // svc 0; neg w0, w0
      ...[0xd2800008 + 93 * 32, 0xd4000001], // exit
    ].flatMap(word),
  );

const machines: Record<string, { machine: number; code: (number: number) => Buffer }> = {
  x64: { machine: 62, code: x64 },
  arm64: { machine: 183, code: arm64 },
};

/**
 * An ELF executable that makes one system call with zeros as arguments and exits with its errno; 0 where it succeeds.
 * @param number alike on all architectures from 424 on
 */
export function systemCallProgram(number: number): Buffer {
  const { machine, code } = machines[process.arch]!;
  const program = code(number);
  const [base, headers] = [0x400000n, 64 + 56];
  const elf = Buffer.alloc(headers);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(base + BigInt(headers), 24); // where it begins
  elf.writeBigUInt64LE(64n, 32); // the one program header
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // loaded, readable and executable
  elf.writeUInt32LE(5, 68);
  elf.writeBigUInt64LE(base, 80);
  elf.writeBigUInt64LE(base, 88);
  elf.writeBigUInt64LE(BigInt(headers + program.length), 96);
  elf.writeBigUInt64LE(BigInt(headers + program.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([elf, program]);
}

function word(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
