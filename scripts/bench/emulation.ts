// What emulation costs: the same work of a program that runs by itself, and by QEMU.
import type { Benchmark } from './benchmark.ts';
import { printRatio, printResults } from './print-results.ts';

/** Python that prints how many milliseconds its work took. */
const timed = (work: string) =>
  `import time; start = time.perf_counter(); ${work}; print((time.perf_counter() - start) * 1000)`;
const works: Record<string, string> = {
  'interpreter, 1 M steps': timed('n = sum(i * i % 7 for i in range(1000000))'),
  'floating point, 500 k sines': timed('import math; n = sum(math.sin(i) for i in range(500000))'),
  'copying, 2 GB': timed('b = bytes(20000000); [bytearray(b) for i in range(100)]'),
};

export const emulation: Benchmark = {
  name: 'emulation',
  summary: 'the work of a program under spec.cpu.emulated beside the same without; takes qemu-user-static',
  onlyByName: true,
  async run(lab, { runs = 5 }) {
    const program = {
      image: 'dir:images/python',
      command: ['python3', '-c', 'import time; time.sleep(100000)'],
      stopTimeout: '200ms',
    };
    await lab.deploy('native', program);
    await lab.deploySpec('emulated', {
      cpu: { baseline: 'x86-64-v2', emulated: true },
      containers: [{ name: 'main', ...program }],
    });
    const samples = new Map<string, number[]>();
    try {
      for (let run = 0; run < runs; run += 1)
        for (const [work, text] of Object.entries(works))
          for (const how of ['native', 'emulated']) {
            const printed = await lab.cmig('exec', how, '--', 'python3', '-c', text);
            const key = `${work}|${how}`;
            samples.set(key, [...(samples.get(key) ?? []), Number(printed)]);
          }
    } finally {
      await lab.cmig('delete', 'native', 'emulated');
    }
    printResults({
      title: 'emulation',
      labels: ['WORK', 'HOW'],
      unit: 'ms',
      rows: [...samples].map(([key, times]) => ({ labels: key.split('|'), samples: times })),
    });
    for (const work of Object.keys(works))
      printRatio(
        `${work}, emulated`,
        samples.get(`${work}|emulated`) ?? [],
        samples.get(`${work}|native`) ?? [],
      );
  },
};
