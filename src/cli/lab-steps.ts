// What a lab tells of its work, as the steps that progress shows.
import type { OnProgress } from '../core/progress.ts';
import type { LabProgress } from '../lab/lab.ts';

type Piece = Pick<LabProgress, 'part' | 'name'>;

const stepOf = ({ part, name }: Piece): string => `${part} ${name}`;

const titleOf = ({ part, name }: Piece): string => {
  if (part === 'agent') return `agent of ${name}`;
  return part === 'host' ? name : part;
};

export interface LabSteps {
  /** Shows what will come, in the order in which it will end. */
  plan(hosts: readonly string[]): void;
  onProgress(progress: LabProgress): void;
}

export function labSteps(report: OnProgress): LabSteps {
  return {
    plan(hosts) {
      const pieces: Piece[] = [
        { part: 'network', name: 'network' },
        ...hosts.map((name) => ({ part: 'host' as const, name })),
        { part: 'broker', name: 'broker' },
        ...hosts.map((name) => ({ part: 'agent' as const, name })),
      ];
      report({
        type: 'planned',
        steps: pieces.map((piece) => ({ step: stepOf(piece), title: titleOf(piece) })),
      });
    },
    onProgress(progress) {
      const step = stepOf(progress);
      // The whole of it, which may hold the end of a log, is in the error that follows.
      const note = progress.message === undefined ? {} : { note: progress.message.split('\n')[0]! };
      switch (progress.state) {
        case 'starting':
        case 'stopping':
          return report({ type: 'begun', step, title: titleOf(progress) });
        case 'waiting':
          return report({ type: 'noted', note: `waiting ${progress.message ?? ''}`.trimEnd() });
        case 'kept':
          report({ type: 'begun', step, title: titleOf(progress) });
          return report({ type: 'skipped', step, note: 'runs already' });
        case 'failed':
          return report({ type: 'failed', step, ...note });
        default:
          return report({ type: 'ended', step, ...note });
      }
    },
  };
}
