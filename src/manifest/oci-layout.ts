// A first look at an OCI layout: is the folder one, and is the image in it that is asked for?
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { didYouMean } from '../core/near-names.ts';
import { fieldsOf, itemsOf, textOf } from './loose.ts';
import { shown } from './problems.ts';

interface Finding {
  message: string;
  hint?: string | undefined;
}

/** Of an image within a layout: org.opencontainers.image.ref.name of the image-spec's annotations. */
const tagAnnotation = 'org.opencontainers.image.ref.name';

/** Where an image's layout has so many others, a person reads no further. */
const tagsShown = 10;

/** @param path absolute; @param reference as the manifest gives it, for messages */
export async function layoutProblem(
  path: string,
  reference: { path: string; tag?: string },
): Promise<Finding | undefined> {
  const { path: text, tag } = reference;
  const is = (what: string, hint?: string): Finding => ({
    message: `the image ${shown(text)} ${what}`,
    hint,
  });
  const index = await readJson(join(path, 'index.json'));
  const layout = await readJson(join(path, 'oci-layout'));
  if (index === undefined || layout === undefined)
    return is('is no OCI layout: it has no oci-layout and index.json', 'is dir: meant?');
  const manifests = itemsOf(fieldsOf(index).manifests);
  const tags = manifests.flatMap((each) => textOf(fieldsOf(fieldsOf(each).annotations)[tagAnnotation]) ?? []);
  const listed = `it has ${tags.slice(0, tagsShown).join(', ')}${tags.length > tagsShown ? ' …' : ''}`;
  if (manifests.length === 0) return is('is an empty layout', 'is it built?');
  if (tag === undefined) {
    if (manifests.length === 1) return undefined;
    return is(`holds ${manifests.length} images`, `name one of them as oci:${text}:TAG; ${listed}`);
  }
  if (tags.includes(tag)) return undefined;
  return is(
    `has no image that is tagged ${shown(tag)}`,
    didYouMean(tag, tags) ?? (tags.length > 0 ? listed : `its image has no tag: write oci:${text}`),
  );
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
