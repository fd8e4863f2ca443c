// What a benchmark is: it measures, and prints a small table; it judges nothing.
import type { BenchLab } from './bench-lab.ts';

export interface BenchOptions {
  /** How often everything is measured; each benchmark has its own number if absent. */
  runs?: number;
  /** Sizes for those that move memory or files. */
  megabytes?: number[];
  /** How often the soak test moves its application. */
  moves?: number;
}

export interface Benchmark {
  name: string;
  summary: string;
  /** It takes so long, or what not every machine has, that it is run only where it is asked for. */
  onlyByName?: boolean;
  run(lab: BenchLab, options: BenchOptions): Promise<void>;
}
