// The volumes of a service: named ones are the application's, what is bound from the host stays there.
import type { Container } from '../../contract/application.ts';
import { type Fields, fieldsOf, itemsOf, textOf } from '../loose.ts';
import { nameOf } from './compose-quantities.ts';
import type { ServiceContext } from './convert-service.ts';

interface Mount {
  type: string;
  source: string | undefined;
  target: string;
  readOnly: boolean;
}

export function mountsOf(
  service: string,
  { volumes }: Fields,
  { note, addVolume }: ServiceContext,
): NonNullable<Container['volumes']> {
  return itemsOf(volumes).flatMap((each, index) => {
    const mount = typeof each === 'string' ? shortForm(each) : longForm(fieldsOf(each));
    if (mount.type === 'bind') {
      note(
        ['volumes', index],
        `${mount.source} of the host is left out: put it into the image, or into a volume that moves along`,
      );
      return [];
    }
    if (mount.type !== 'volume' || !mount.target.startsWith('/')) {
      note(['volumes', index], `a mount of the type ${mount.type} is left out: it has no counterpart`);
      return [];
    }
    const name = nameOf(mount.source ?? `${service}${mount.target}`);
    addVolume(name);
    const mountPath = mount.target.replace(/(?<=.)\/+$/, '');
    return [{ name, mountPath, ...(mount.readOnly ? { readOnly: true } : {}) }];
  });
}

/** [SOURCE:]TARGET[:OPTIONS] */
function shortForm(text: string): Mount {
  const parts = text.split(':');
  const [source, target, options = ''] = parts.length === 1 ? [undefined, parts[0]!] : parts;
  const isPath = source !== undefined && /^[./~]/.test(source);
  return {
    type: isPath ? 'bind' : 'volume',
    source,
    target: target ?? '',
    readOnly: options.split(',').includes('ro'),
  };
}

const longForm = (mount: Fields): Mount => ({
  type: textOf(mount.type) ?? 'volume',
  source: textOf(mount.source),
  target: textOf(mount.target) ?? '',
  readOnly: mount.read_only === true,
});
