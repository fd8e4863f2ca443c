// Values and types as a message names them.
import { shown } from './problems.ts';
import { type SchemaNode, typesOf } from './schema-node.ts';

/** What is there: `the string "x"`, `a list`, `empty`. */
export function described(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (value === '') return 'an empty string';
  return `the ${typeof value} ${shown(value)}`;
}

const typeNames = {
  object: 'a mapping',
  array: 'a list',
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
} as const;

const plurals = { object: 'mappings', string: 'strings', integer: 'whole numbers' } as const;

/** What should be there: `a list of strings`. */
export function expectedType(schema: SchemaNode): string {
  const itemType = schema.items?.type as keyof typeof plurals | undefined;
  const items = itemType && plurals[itemType];
  return typesOf(schema)
    .map((type) => (type === 'array' && items ? `${typeNames.array} of ${items}` : typeNames[type]))
    .join(' or ');
}

/** How to turn what is there into what should be there. */
export function typeHint(schema: SchemaNode, value: unknown): string | undefined {
  if (value === null) return 'give it a value';
  switch (schema.type) {
    case 'string':
      if (typeof value === 'number' || typeof value === 'boolean') return `put it in quotes: "${value}"`;
      return undefined;
    case 'integer':
      return typeof value === 'string' && /^[0-9]+$/.test(value)
        ? `write it without quotes: ${value}`
        : undefined;
    case 'boolean':
      return typeof value === 'string' && /^(true|false)$/i.test(value)
        ? `write it without quotes: ${value.toLowerCase()}`
        : undefined;
    case 'array':
      if (typeof value === 'string' && schema.items?.type === 'string') {
        const words = value.split(/\s+/).filter(Boolean);
        return words.length > 0
          ? `write it as a list: [${words.map(flowText).join(', ')}]`.slice(0, 160)
          : undefined;
      }
      if (typeof value === 'object') return exampleOfItems(schema);
      return undefined;
    case 'object':
      if (typeof value === 'string' && schema.required?.includes('name')) {
        return `write it as {name: ${flowText(value)}}`.slice(0, 160);
      }
      if (Array.isArray(value)) return 'it has keys, no items: leave the "-" out';
      return undefined;
    default:
      return undefined;
  }
}

function exampleOfItems(schema: SchemaNode): string {
  const keys = schema.items?.required ?? [];
  if (keys.length === 0) return 'begin each item with "- "';
  return `write each item as "- {${keys.map((key) => `${key}: …`).join(', ')}}"`;
}

const flowText = (word: string): string => (/^[\w./@%+=-]+$/.test(word) ? word : JSON.stringify(word));
