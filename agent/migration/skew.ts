// Two machines and an application that is to go from the one to the other: what is compared before it goes.
import type { Clocks } from '../../src/broker/measure-clocks.ts';
import type { ApplicationUse, MachineFacts } from '../../src/contract/machine.ts';

/** Nothing follows from what is absent: an older agent did not tell. */
export type KnownFacts = Pick<MachineFacts, 'architecture' | 'kernel' | 'criu'> & Partial<MachineFacts>;

export interface Skew {
  from: KnownFacts & { name: string };
  to: KnownFacts & {
    name: string;
    /** Those that AppArmor has loaded there, where it can be asked. */
    profiles?: readonly string[] | undefined;
  };
  uses?: ApplicationUse | undefined;
  /** That of the destination, and by how much it is ahead of that of the source. */
  clocks?: Clocks | undefined;
  /** It has been dumped already, to be restored later or elsewhere. */
  isDumped?: boolean;
}
