// What an ELF file says of itself: its machine; one for x86-64 its loader, too, and whether its code asks the CPU what it can do.
import { type FileHandle, open } from 'node:fs/promises';

export interface ElfFile {
  /** The path of the dynamic loader; absent where it is linked statically, or is a library. */
  loader?: string;
  asksCpu: boolean;
}

const magic = 0x7f454c46;
const littleEndian = 1;
const loadable = 1;
const interpreter = 3;
const executable = 1;
/** What one read holds; a pattern may lie across two. */
const pieceBytes = 4 * 2 ** 20;
const overlapBytes = 64;

/** Its e_machine; undefined where it is no ELF file. */
export async function readMachine(path: string): Promise<number | undefined> {
  const file = await open(path);
  try {
    const header = await read(file, 0, 20);
    if (header.length < 20 || header.readUInt32BE(0) !== magic) return undefined;
    return header[5] === littleEndian ? header.readUInt16LE(18) : header.readUInt16BE(18);
  } finally {
    await file.close();
  }
}

/** @returns undefined where it is no ELF file for x86-64 */
export async function readElf(path: string): Promise<ElfFile | undefined> {
  const file = await open(path);
  try {
    const header = await read(file, 0, 64);
    const isElf = header.length === 64 && header.readUInt32BE(0) === magic;
    // 64 bits, little-endian, x86-64
    if (!isElf || header[4] !== 2 || header[5] !== littleEndian || header.readUInt16LE(18) !== 62)
      return undefined;
    const entryBytes = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    const table = await read(file, Number(header.readBigUInt64LE(32)), entryBytes * count);
    let loader: string | undefined;
    let asksCpu = false;
    for (let at = 0; at + 56 <= table.length; at += entryBytes) {
      const type = table.readUInt32LE(at);
      const offset = Number(table.readBigUInt64LE(at + 8));
      const bytes = Number(table.readBigUInt64LE(at + 32));
      if (type === interpreter)
        loader = (await read(file, offset, Math.min(bytes, 4096))).toString().replace(/\0.*$/s, '');
      if (type === loadable && (table.readUInt32LE(at + 4) & executable) !== 0)
        asksCpu ||= await segmentAsksCpu(file, offset, bytes);
    }
    return { ...(loader ? { loader } : {}), asksCpu };
  } finally {
    await file.close();
  }
}

async function segmentAsksCpu(file: FileHandle, offset: number, bytes: number): Promise<boolean> {
  for (let at = 0; at < bytes; at += pieceBytes - overlapBytes)
    if (codeAsksCpu(await read(file, offset + at, Math.min(pieceBytes, bytes - at)))) return true;
  return false;
}

const cpuid = Buffer.from([0x0f, 0xa2]);

/**
 * Is there a CPUID instruction? Its two bytes come by chance too, once in 65536: so the number of what is asked for must
 * be put into EAX shortly before.
 */
export function codeAsksCpu(code: Buffer): boolean {
  for (let at = code.indexOf(cpuid); at !== -1; at = code.indexOf(cpuid, at + 1))
    if (setsLeaf(code.subarray(Math.max(0, at - 32), at))) return true;
  return false;
}

function setsLeaf(before: Buffer): boolean {
  for (let at = 0; at + 1 < before.length; at += 1) {
    const [first, second = 0] = [before[at], before[at + 1]];
    // mov eax, 0…0x1f or 0x80000000…0x8000001f
    if (first === 0xb8 && at + 5 <= before.length) {
      const leaf = before.readUInt32LE(at + 1);
      if ((leaf & 0x7fffffff) >>> 0 <= 0x1f) return true;
    }
    // xor eax, eax
    if ((first === 0x31 || first === 0x33) && second === 0xc0) return true;
    // mov eax, another register: a function that is told the number
    const isClose = before.length - at <= 8;
    if (isClose && first === 0x89 && (second & 0xc7) === 0xc0) return true;
    if (isClose && first === 0x8b && (second & 0xf8) === 0xc0) return true;
  }
  return false;
}

async function read(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}
