// How a command is emulated, and what an emulated process tells of the CPU that it was started on.
import { describe, expect, it } from '@jest/globals';
import {
  emulatedCommand,
  emulatorPath,
  emulatorWords,
  startedHere,
  startedOn,
} from '../../../../agent/cpu/emulator.ts';

describe('an emulated command', () => {
  it('runs on a CPU of the baseline, and tells what is run beside it how', () => {
    const command = emulatedCommand(['/bin/prog', 'x'], 'x86-64-v2');
    expect(command).toEqual([emulatorPath, '-cpu', expect.stringMatching(/\+sse4\.2/), '/bin/prog', 'x']);
    expect(command[2]).not.toMatch(/avx/);
    expect(emulatorWords(command)).toEqual(command.slice(0, 3));
    expect(emulatorWords(['/bin/prog', '-cpu', 'x'])).toEqual([]);
  });

  it('tells what the CPU has that it was started on, and nothing where nothing says so', async () => {
    const { name, value } = await startedHere();
    expect(startedOn(`PATH=/bin\0${name}=${value}\0`)).toEqual(value.split(',').filter(Boolean));
    expect(startedOn(`X${name}=avx\0PATH=/bin\0`)).toBeUndefined();
  });
});
