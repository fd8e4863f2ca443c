// How images are listed and described: one line for each host that has one.
import { type Image, imageName } from '../../contract/image.ts';
import type { Field } from '../description.ts';
import { formatAgeOf, formatBytes } from '../formats.ts';
import type { KindView } from './kind-view.ts';

const usedBy = ({ status }: Image) => status.usedBy.join(',') || '<none>';

export const imageView: KindView<Image> = {
  kind: 'Image',
  singular: 'image',
  plural: 'images',
  shortNames: ['img', 'imgs'],
  columns: [
    { header: 'NAME', value: (item) => item.metadata.name },
    { header: 'HOST', value: (item) => item.status.host },
    { header: 'SIZE', value: (item) => formatBytes(item.status.sizeBytes) },
    { header: 'USED BY', value: usedBy },
    { header: 'SOURCE', value: (item) => shortened(item.status.source ?? '<unknown>') },
    { header: 'AGE', value: (item) => formatAgeOf(item.status.createdAt) },
  ],
  wideColumns: [
    { header: 'LAYERS', value: (item) => `${item.status.layers.length}` },
    { header: 'SHARED', value: (item) => formatBytes(item.status.sharedBytes) },
    { header: 'OWN', value: (item) => formatBytes(item.status.ownBytes) },
    { header: 'DIGEST', value: (item) => item.status.digest },
  ],
  describe,
};

/** A pinned digest is told by the name and by -o wide; a long path by its end. */
function shortened(source: string): string {
  const text = source.replace(/@sha256:([0-9a-f]{12})[0-9a-f]{52}$/, '@sha256:$1…');
  return text.length <= 60 ? text : `${text.slice(0, 20)}…${text.slice(-39)}`;
}

function describe({ metadata, status }: Image): Field[] {
  return [
    ['Name', metadata.name],
    ['Digest', status.digest],
    ['Size', `${formatBytes(status.sizeBytes)} (${status.sizeBytes} bytes)`],
    ['Source', status.source],
    [
      'Layers',
      status.layers.map(({ digest, sizeBytes }): Field => [imageName(digest), formatBytes(sizeBytes)]),
    ],
  ];
}

/** The hosts that have the image, with what keeps it there. */
export const describeHolders = (items: readonly Image[]): Field => [
  'Hosts',
  items.map(({ status }): Field => {
    const users = status.usedBy.length > 0 ? status.usedBy.join(', ') : 'nobody';
    const shared = `${formatBytes(status.sharedBytes)} of it shared with other images`;
    return [status.host, `used by ${users}, ${shared}, there since ${status.createdAt}`];
  }),
];
