// Numbers, times, sizes and command lines as Compose files write them -> as manifests do.

/** `1m30s`, `500ms` -> one unit. */
export function durationOf(value: unknown): string | undefined {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001 };
  const text = String(value).trim();
  if (!/^([0-9]+(\.[0-9]+)?(h|ms|us|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(h|ms|us|m|s)/g))
    total += Number(number) * units[unit!]!;
  const whole = Math.ceil(total);
  return whole % 1000 === 0 ? `${whole / 1000}s` : `${whole}ms`;
}

/** `1g`, `512mb`, 1048576: Compose counts in powers of 1024. */
export function sizeOf(value: unknown): string | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmg]?)(?:i?b)?$/i.exec(String(value).trim());
  if (!match) return undefined;
  const power = { '': 0, k: 1, m: 2, g: 3 }[match[2]!.toLowerCase()]!;
  const bytes = Math.round(Number(match[1]) * 1024 ** power);
  for (const [unit, factor] of [
    ['Gi', 1024 ** 3],
    ['Mi', 1024 ** 2],
    ['Ki', 1024],
  ] as const)
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  return String(bytes);
}

/** A command line as a shell would split it, without any of its other services; undefined where a quote stays open. */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (quote === "'") {
      if (letter === "'") quote = undefined;
      else word += letter;
    } else if (letter === '\\' && (quote === undefined || '"\\$`'.includes(text[at + 1] ?? ''))) {
      word = (word ?? '') + (text[++at] ?? '');
    } else if (quote === '"') {
      if (letter === '"') quote = undefined;
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}

/** A name that a manifest takes, made of another one. */
export function nameOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return slug || 'unnamed';
}
