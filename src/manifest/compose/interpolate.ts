// ${VARIABLE} in the texts of a Compose file, by the rules of Compose.

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value with every text of it filled in; keys are left alone.
 * @param onUnset told the names of variables that have no value and no default
 */
export function interpolated(value: unknown, env: Environment, onUnset: (name: string) => void): unknown {
  if (typeof value === 'string') return interpolatedText(value, env, onUnset);
  if (Array.isArray(value)) return value.map((item) => interpolated(item, env, onUnset));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolated(item, env, onUnset)]),
  );
}

const pattern = /\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))/g;

function interpolatedText(text: string, env: Environment, onUnset: (name: string) => void): string {
  return text.replace(pattern, (_whole, dollar, braced, operator = '', word = '', bare) => {
    if (dollar) return '$';
    const name = (braced ?? bare) as string;
    const value = env[name];
    const isGiven = operator.startsWith(':') ? Boolean(value) : value !== undefined;
    if (operator.endsWith('+')) return isGiven ? word : '';
    if (isGiven) return value ?? '';
    if (operator.endsWith('-')) return interpolatedText(word, env, onUnset);
    onUnset(name);
    return '';
  });
}
