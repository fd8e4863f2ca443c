// What each pattern of the schema demands, in words, and how a text that misses it can be mended.
import { Container, Readiness } from '../contract/application.ts';
import { namePattern } from '../contract/protocol.ts';
import { manifestSchema, type SchemaNode, schemaAt } from './schema-node.ts';

export interface PatternWords {
  /** Ends the sentence "… must be". */
  expected: string;
  /** What to write instead of `text`, where that can be told. */
  mend?: (text: string) => string | undefined;
}

const container = Container.properties as unknown as Record<string, SchemaNode>;
const patternOf = (node: SchemaNode | undefined): string => {
  if (!node?.pattern) throw new Error('a schema node was expected to have a pattern');
  return node.pattern;
};
const of = (...path: (string | number)[]): string => patternOf(schemaAt(manifestSchema, path));
const ofContainer = (...path: (string | number)[]): string => of('spec', 'containers', 0, ...path);

const write = (text: string): string => `write ${JSON.stringify(text)}`;

function mendName(text: string): string | undefined {
  if (text.length > 63) return `it has ${text.length} characters`;
  if (text.includes('/') || text.includes('..')) return 'a name is no path';
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug && slug !== text ? write(slug) : undefined;
}

function mendDuration(text: string): string | undefined {
  const trimmed = text.trim();
  if (/^[0-9.]+$/.test(trimmed))
    return `a unit is missing: write ${JSON.stringify(`${trimmed}s`)} for seconds`;
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*(ms|milli|s|m|h)[a-z]*$/i.exec(trimmed);
  if (!match)
    return /\d\D+\d/.test(trimmed) ? 'write it with a single unit, as "90s" for "1m30s"' : undefined;
  const unit = match[2]!.toLowerCase();
  return write(`${match[1]}${unit === 'milli' ? 'ms' : unit}`);
}

function mendSize(text: string): string | undefined {
  const match = /^([0-9]+)(?:\.[0-9]+)?\s*([kmg])i?b?$/i.exec(text.trim());
  if (!match) return undefined;
  if (text.includes('.')) return 'write it as a whole number, as "1536Mi" for "1.5Gi"';
  const unit = match[2]!.toUpperCase();
  return write(`${match[1]}${unit}i`);
}

function mendImage(text: string): string | undefined {
  if (/^(dir|tar|oci|docker-archive):$/.test(text)) return 'the path is missing';
  const registry = /^(docker|https?):\/*(.+)$/.exec(text);
  if (registry) return write(`docker://${registry[2]}`);
  if (/\.(tar|tgz|tar\.[a-z0-9]+)$/.test(text)) return write(`tar:${text}`);
  if (/^[./]/.test(text)) return write(`dir:${text}`);
  if (/^[a-z0-9./_-]+(:[\w.-]+)*(@sha256:[0-9a-f]+)?$/.test(text)) return write(`docker://${text}`);
  return undefined;
}

function mendPath(text: string): string | undefined {
  if (text.includes('\n')) return undefined;
  const parts = text.split('/').filter((part) => part && part !== '.');
  if (parts.includes('..')) return 'write it without ".."';
  return parts.length > 0 ? write(`/${parts.join('/')}`) : undefined;
}

function mendAddress(text: string): string | undefined {
  const match = /^([0-9.]+)\/[0-9]+$/.exec(text);
  if (match) return `write it without the length of the prefix: "${match[1]}"`;
  return text.includes(':') ? 'IPv6 is not supported' : undefined;
}

/** Pattern -> its words. A unit test sees to it that no pattern of the schema is missing here. */
export const patternWords: ReadonlyMap<string, PatternWords> = new Map([
  [
    namePattern,
    {
      expected: 'a name of 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end',
      mend: mendName,
    },
  ],
  [
    patternOf(Readiness.properties.interval as unknown as SchemaNode),
    { expected: 'a duration such as 500ms, 10s, 5m or 1h', mend: mendDuration },
  ],
  [
    ofContainer('resources', 'memory'),
    { expected: 'a size such as 1048576, 512Ki, 256Mi or 1Gi', mend: mendSize },
  ],
  [
    ofContainer('resources', 'cpu'),
    {
      expected: 'a number of cores such as 2, 0.5 or 500m',
      mend: (text) => (text.startsWith('.') ? write(`0${text}`) : undefined),
    },
  ],
  [of('spec', 'network', 'address'), { expected: 'an IPv4 address such as 10.77.0.10', mend: mendAddress }],
  [
    of('spec', 'cpu', 'trusted', 0),
    { expected: 'the name of a file, without its folder, such as libpcre2-8.so' },
  ],
  [of('spec', 'network', 'allow', 0, 'cidr'), { expected: 'a range of addresses such as 10.20.0.0/16' }],
  [
    of('spec', 'network', 'ports', 0, 'hosts'),
    {
      expected: 'all, or a list of hosts',
      mend: (text) => (new RegExp(namePattern).test(text) ? `write it as a list: [${text}]` : undefined),
    },
  ],
  [
    patternOf(container.image),
    { expected: 'dir:PATH, tar:PATH, oci:DIR, docker-archive:FILE or docker://NAME', mend: mendImage },
  ],
  [
    patternOf(container.workingDir),
    { expected: 'an absolute path without "//", "." or ".." in it', mend: mendPath },
  ],
  [
    patternOf(container.user),
    { expected: 'USER or USER:GROUP, each a number or a name, such as 1000:1000 or redis' },
  ],
  [
    ofContainer('exposedPorts', 0),
    {
      expected: 'a port with its protocol, such as 80/tcp',
      mend: (text) => (/^[0-9]+$/.test(text) ? write(`${text}/tcp`) : undefined),
    },
  ],
  [
    patternOf(container.stopSignal),
    {
      expected: 'the name of a signal such as SIGTERM',
      mend: (text) =>
        /^(sig)?[a-z]+[0-9]*$/i.test(text)
          ? write(`SIG${text.toUpperCase().replace(/^SIG/, '')}`)
          : 'write its name, not its number',
    },
  ],
  [
    ofContainer('env', 0, 'name'),
    { expected: 'a name of letters, digits and _ that does not begin with a digit' },
  ],
  [
    ofContainer('ready', 'http', 'path'),
    {
      expected: 'a path that begins with /',
      mend: (text) => (/^[\w.-]/.test(text) ? write(`/${text}`) : undefined),
    },
  ],
  [
    ofContainer('capabilities', 'add', 0),
    {
      expected: 'the name of a capability such as NET_ADMIN',
      mend: (text) => (/^[a-z_]+$/i.test(text) ? write(text.toUpperCase()) : undefined),
    },
  ],
]);
