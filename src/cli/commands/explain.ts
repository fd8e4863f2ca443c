// `cmig explain`: what a field of a manifest is for.
import { type ExplainedField, explain } from '../../manifest/explain.ts';
import type { Invocation } from '../command.ts';

export async function run(invocation: Invocation): Promise<void> {
  const explanation = explain(invocation.required('PATH'), { recursive: invocation.flag('recursive') });
  if (invocation.output === 'json') return invocation.printJson(explanation);
  if (invocation.output === 'yaml') {
    const { stringify } = await import('yaml');
    return void invocation.stdout.write(stringify(explanation));
  }
  const { kind, version, field, description, fields } = explanation;
  invocation.print(`KIND:     ${kind}`);
  invocation.print(`VERSION:  ${version}`);
  if (field) invocation.print(`FIELD:    ${headline(field)}`);
  invocation.print('\nDESCRIPTION:');
  for (const line of wrapped(description || '(none)', 4)) invocation.print(line);
  if (field?.values) invocation.print(`    One of: ${field.values.join(', ')}`);
  if (fields.length === 0) return;
  invocation.print('\nFIELDS:');
  if (invocation.flag('recursive')) return printTree(fields, 1);
  for (const each of fields) {
    invocation.print(`  ${headline(each)}`);
    for (const line of wrapped(each.description, 4)) invocation.print(line);
    if (each.values) invocation.print(`    One of: ${each.values.join(', ')}`);
    invocation.print('');
  }

  function printTree(level: readonly ExplainedField[], depth: number): void {
    for (const each of level) {
      invocation.print(`${'  '.repeat(depth)}${headline(each)}`);
      printTree(each.fields ?? [], depth + 1);
    }
  }
}

const headline = ({ name, type, required }: ExplainedField): string =>
  `${name} ${type}${required ? ' -required-' : ''}`;

function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && indent + last.length + 1 + word.length <= 100)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => ' '.repeat(indent) + line);
}
