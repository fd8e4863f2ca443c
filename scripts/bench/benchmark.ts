// What a benchmark is: it measures, and prints a small table; it judges nothing.
import type { BenchLab } from './bench-lab.ts';

export interface BenchOptions {
  /** How often everything is measured; each benchmark has its own number if absent. */
  runs?: number;
  /** Sizes for those that move memory or files. */
  megabytes?: number[];
}

export interface Benchmark {
  name: string;
  summary: string;
  run(lab: BenchLab, options: BenchOptions): Promise<void>;
}
