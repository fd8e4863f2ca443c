// YAML text -> documents. Hostile text is as harmless as clumsy text: size, depth and expansion are bounded.
import { type Document, LineCounter, parseAllDocuments, visit, YAMLParseError } from 'yaml';
import { ManifestDocument, type SourceFile, whereOf } from './document.ts';
import { placedValue, YamlProblem } from './placed-value.ts';
import type { Problems } from './problems.ts';

/** The documents of a file that are free of YAML errors; what is wrong with the others is added to `problems`. */
export function parseYaml(file: SourceFile, problems: Problems): ManifestDocument[] {
  const lines = new LineCounter();
  const add = (offset: number, message: string, hint?: string) =>
    problems.add(whereOf(file, lines, offset), [file.index, offset], message, hint);
  let parsed: Document[];
  try {
    parsed = parse(file.text, lines);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    add(0, 'is nested too deeply to be a manifest');
    return [];
  }
  const documents: ManifestDocument[] = [];
  for (const document of parsed) {
    const errors = [...document.errors, ...document.warnings];
    if (errors.length > 0) {
      // One slip makes the parser stumble several times on one line; only the first one helps.
      const linesTold = new Set<number>();
      for (const error of errors.sort((a, b) => a.pos[0] - b.pos[0])) {
        const { line } = lines.linePos(error.pos[0]);
        if (linesTold.has(line)) continue;
        linesTold.add(line);
        const { message, hint } = inOurWords(error, file.text);
        add(isOpenQuote(error) ? startOfQuote(document, error.pos[0]) : error.pos[0], message, hint);
      }
      continue;
    }
    const root = document.contents;
    if (root === null || root === undefined) continue;
    try {
      const { value, place } = placedValue(root, {
        add,
        where: (offset) => whereOf(file, lines, offset),
      });
      // As kubectl does, skip documents that hold nothing (such as what stands before the first `---`).
      if (value === null) continue;
      documents.push(new ManifestDocument(file, value, place, lines, problems));
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error;
      add(error.offset, error.message, error.hint);
    }
  }
  return documents;
}

/** @throws RangeError where the nesting is too deep for the parser */
function parse(text: string, lineCounter: LineCounter): Document[] {
  const { stackTraceLimit } = Error;
  // The parser makes an error for every slip: for 250 000 of them, the stacks alone would take seconds.
  Error.stackTraceLimit = 0;
  try {
    // Duplicate keys are looked for in placed-value.ts: the parser compares each key with every other one.
    return [...parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false })];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const isOpenQuote = ({ code, message }: { code: string; message: string }): boolean =>
  code === 'MISSING_CHAR' && message.includes('quote');

/** The parser notices only at the end that a quote was not closed; to be mended is its beginning. */
function startOfQuote(document: Document, end: number): number {
  let start = end;
  visit(document, {
    Scalar: (_key, { range, type }) => {
      if (type?.startsWith('QUOTE') && range && range[0] <= end && range[1] >= end) start = range[0];
    },
  });
  return start;
}

function inOurWords(
  error: { code: string; message: string; pos: [number, number] },
  text: string,
): { message: string; hint?: string } {
  const severe = error instanceof YAMLParseError ? 'is not valid YAML: ' : '';
  const plain = error.message.split('\n')[0]!;
  const lower = plain.charAt(0).toLowerCase() + plain.slice(1);
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is used for indentation', hint: 'YAML is indented by spaces only' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        message: 'is not valid YAML: a second "key: value" on one line, or a line that is indented too far',
        hint: 'put text that holds ": " in quotes; begin each key on a line of its own, as far in as its neighbours',
      };
    case 'BAD_INDENT':
      if (!plain.startsWith('Flow ')) return { message: `${severe}${lower}` };
      return {
        message: `is not valid YAML: a ${plain.startsWith('Flow map') ? '{' : '['} above is not closed`,
      };
    case 'MISSING_CHAR':
      if (isOpenQuote(error)) return { message: 'is not valid YAML: a quote is opened here and not closed' };
      return { message: `${severe}${lower}` };
    case 'BAD_ALIAS':
      return { message: `${severe}${lower}`, hint: 'put text that begins with * in quotes' };
    case 'TAG_RESOLVE_FAILED':
      return {
        message: `the tag ${text.slice(error.pos[0], error.pos[1]).slice(0, 40) || 'here'} has no meaning in a manifest`,
        hint: 'put text that begins with ! in quotes',
      };
    case 'BAD_SCALAR_START':
      return { message: `${severe}${lower}`, hint: 'put the text in quotes' };
    case 'RESOURCE_EXHAUSTION':
      return { message: 'is nested too deeply to be a manifest' };
    default:
      return { message: `${severe}${lower}` };
  }
}
