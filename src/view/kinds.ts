// The registry of the kinds that `get` and `describe` know.
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { applicationView } from './kinds/application.ts';
import { checkpointView } from './kinds/checkpoint.ts';
import { hostView } from './kinds/host.ts';
import { imageView } from './kinds/image.ts';
import { migrationView } from './kinds/migration.ts';

export const kindViews = {
  applications: applicationView,
  hosts: hostView,
  checkpoints: checkpointView,
  images: imageView,
  migrations: migrationView,
};
export type KindPlural = keyof typeof kindViews;

const plurals = Object.keys(kindViews) as KindPlural[];

/** Every word by which a kind may be called. */
export const kindWords = (plural: KindPlural): string[] => {
  const { singular, shortNames } = kindViews[plural];
  return [plural, singular, ...shortNames];
};

/** For those whose fingers write kubectl's words. */
const kubernetesKinds: Record<string, KindPlural> = {
  ...{ po: 'applications', pod: 'applications', deploy: 'applications', deployment: 'applications' },
  ...{ no: 'hosts', node: 'hosts' },
};

/** What is no kind, since a command of its own shows it. */
const commandsFor: Record<string, string> = {
  ...{ event: 'cmig events', ev: 'cmig events' },
  context: 'cmig config get-contexts',
  operator: 'cmig operator list',
};

/** `app`, `apps`, `Application`, `applications` -> `applications`. @throws CmigError `invalid` */
export function findKind(word: string): KindPlural {
  const lower = word.toLowerCase();
  const found = plurals.find((plural) => kindWords(plural).includes(lower));
  if (found) return found;
  const one = lower.replace(/s$/, '');
  const near = kubernetesKinds[one];
  throw new CmigError('invalid', `there is no kind "${word}"`, {
    hint: near
      ? `what comes nearest to it here are ${near}`
      : (commandsFor[one] ??
        didYouMean(lower, plurals.flatMap(kindWords)) ??
        `the kinds are ${plurals.join(', ')}`),
  });
}
