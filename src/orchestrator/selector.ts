// Label selectors, as kubectl's `-l`: `a=b`, `a==b`, `a!=b`, `a`, `!a`, and `a in (b,c)`, joined by commas.
import { CmigError } from '../core/errors.ts';

export type Selector = (labels: Record<string, string> | undefined) => boolean;

const key = '[A-Za-z0-9][-A-Za-z0-9_./]*';
const value = '[-A-Za-z0-9_.]*';
const term = new RegExp(
  `^(?:(?<not>!)\\s*(?<absent>${key})|(?<key>${key})(?:\\s*(?<operator>==?|!=)\\s*(?<value>${value})|\\s+(?<set>in|notin)\\s*\\((?<values>[^()]*)\\))?)$`,
);

/** @throws CmigError `invalid` that shows the term which is not understood. */
export function parseSelector(text: string): Selector {
  // A comma within brackets belongs to the set.
  const terms = text.split(/,(?![^(]*\))/).map((part) => parseTerm(part.trim()));
  return (labels = {}) => terms.every((matches) => matches(labels));
}

function parseTerm(text: string): (labels: Record<string, string>) => boolean {
  const groups = term.exec(text)?.groups;
  if (!groups) {
    throw new CmigError('invalid', `the selector "${text}" is not understood`, {
      hint: 'write it as key=value, key!=value, key, !key, key in (a,b), joined by commas',
    });
  }
  const has = (labels: Record<string, string>, name: string) => Object.hasOwn(labels, name);
  if (groups.not) return (labels) => !has(labels, groups.absent!);
  const name = groups.key!;
  if (groups.set) {
    const values = groups.values!.split(',').map((each) => each.trim());
    const within = (labels: Record<string, string>) => has(labels, name) && values.includes(labels[name]!);
    return groups.set === 'in' ? within : (labels) => !within(labels);
  }
  if (!groups.operator) return (labels) => has(labels, name);
  const equal = (labels: Record<string, string>) => has(labels, name) && labels[name] === groups.value;
  return groups.operator === '!=' ? (labels) => !equal(labels) : equal;
}
