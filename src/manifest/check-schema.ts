// The schema's verdict on a document, each finding once and in words.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { ApplicationManifest } from '../contract/application.ts';
import { didYouMean } from '../core/near-names.ts';
import type { ManifestDocument } from './document.ts';
import { patternWords } from './pattern-words.ts';
import { either, type Path, pathText, shown } from './problems.ts';
import { type SchemaNode, typesOf } from './schema-node.ts';
import { meantKey, unknownKeyHint } from './unknown-key.ts';
import { described, expectedType, typeHint } from './value-words.ts';

let compiled: ValidateFunction | undefined;
const validator = (): ValidateFunction => {
  compiled ??= new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(
    ApplicationManifest,
  );
  return compiled;
};

/** Adds what the schema finds wrong to the document's problems. */
export function checkSchema(document: ManifestDocument): void {
  const validate = validator();
  if (validate(document.value)) return;
  const errors = validate.errors ?? [];
  const ofWrongType = new Set(errors.filter((e) => e.keyword === 'type').map((e) => e.instancePath));
  // A misspelt key is not missing as well.
  const misspelt = new Set(
    errors.flatMap((error) => {
      if (error.keyword !== 'additionalProperties') return [];
      const meant = meantKey(error.params.additionalProperty, schemaOf(error).properties);
      return meant === undefined ? [] : [`${error.instancePath}/${meant}`];
    }),
  );
  for (const error of errors) {
    if (error.keyword !== 'type' && ofWrongType.has(error.instancePath)) continue;
    if (error.keyword === 'required' && misspelt.has(`${error.instancePath}/${error.params.missingProperty}`))
      continue;
    const path = pathOf(error.instancePath, document.value);
    const finding = findingOf(error, pathText(path));
    if (!finding) continue;
    const at = finding.key === undefined ? path : [...path, finding.key];
    document.problem(at, finding.message, finding.hint, {
      key: finding.atKey ?? false,
      cause: `${error.schemaPath} ${finding.key ?? error.params.missingProperty ?? ''}`,
    });
  }
}

interface Finding {
  message: string;
  hint?: string | undefined;
  /** What is wrong is this key of the value. */
  key?: string;
  /** To be pointed at is the key, not the value. */
  atKey?: boolean;
}

const schemaOf = (error: ErrorObject): SchemaNode => error.parentSchema as SchemaNode;

function findingOf(error: ErrorObject, name: string): Finding | undefined {
  const schema = schemaOf(error);
  const { limit } = error.params;
  const is = `but is ${described(error.data)}`;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(error.params.additionalProperty, name, schema);
    case 'required': {
      const key: string = error.params.missingProperty;
      return { message: `missing key "${key}" in ${name}`, hint: missingHint(key, schema), atKey: true };
    }
    case 'type':
      return wrongType(error.data, name, schema);
    case 'pattern': {
      const words = patternWords.get(String(schema.pattern));
      const expected = words?.expected ?? `text that matches ${schema.pattern}`;
      return { message: `${name} must be ${expected}, ${is}`, hint: words?.mend?.(String(error.data)) };
    }
    case 'enum':
    case 'const': {
      const allowed = (schema.enum ?? [schema.const]).map(String);
      const hint = typeof error.data === 'string' ? didYouMean(error.data, allowed) : undefined;
      return { message: `${name} must be ${either(allowed)}, ${is}`, hint };
    }
    case 'minimum':
    case 'maximum':
      return { message: `${name} must be ${rangeOf(schema)}, but is ${shown(error.data)}` };
    case 'minItems':
      return {
        message: `${name} must have at least ${limit === 1 ? 'one item' : `${limit} items`}, but is empty`,
      };
    case 'maxItems':
      return { message: `${name} must have at most ${limit} items, but has ${lengthOf(error.data)}` };
    case 'maxLength':
      return { message: `${name} must have at most ${limit} characters, but has ${lengthOf(error.data)}` };
    case 'minProperties':
      return undefined; // check-references.ts says it better.
    default:
      return { message: `${name} ${error.message ?? 'is invalid'}` };
  }
}

function wrongType(data: unknown, name: string, schema: SchemaNode): Finding {
  // `stopTimeout: 10` lacks more than quotes.
  const spoken = typeof data === 'number' || typesOf(schema).length > 1;
  const words = spoken && schema.pattern ? patternWords.get(schema.pattern) : undefined;
  if (!words) {
    return {
      message: `${name} must be ${expectedType(schema)}, but is ${described(data)}`,
      hint: typeHint(schema, data),
    };
  }
  const quotesHelp = new RegExp(schema.pattern ?? '').test(String(data));
  return {
    message: `${name} must be ${words.expected}, but is ${described(data)}`,
    hint: quotesHelp ? typeHint(schema, data) : words.mend?.(String(data)),
  };
}

const lengthOf = (value: unknown): number => (value as { length: number }).length;

function missingHint(key: string, schema: SchemaNode): string | undefined {
  const { const: only, description } = schema.properties?.[key] ?? {};
  if (only !== undefined) return `write "${key}: ${only}"`;
  return description && `${key}: ${description}`;
}

function unknownKey(key: string, name: string, schema: SchemaNode): Finding {
  if (schema.properties) {
    return {
      message: `unknown key ${shown(key)} in ${name}`,
      hint: unknownKeyHint(key, schema),
      key,
      atKey: true,
    };
  }
  return {
    message: `the key ${shown(key)} in ${name} is not allowed`,
    hint: 'keys here are 1 to 253 letters, digits, "-", "_", "." or "/" that begin with a letter or digit',
    key,
    atKey: true,
  };
}

function rangeOf({ minimum, maximum }: SchemaNode): string {
  if (minimum === undefined) return `at most ${maximum}`;
  return maximum === undefined ? `at least ${minimum}` : `between ${minimum} and ${maximum}`;
}

/** A JSON pointer as keys and indexes; the data tells which segment is which. */
function pathOf(pointer: string, root: unknown): Path {
  let value: unknown = root;
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => {
      const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      const isIndex = Array.isArray(value);
      value = (value as Record<string, unknown> | undefined)?.[key];
      return isIndex ? Number(key) : key;
    });
}
