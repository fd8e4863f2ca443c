// When a dump of memory builds upon the one before it, and when a whole one is no dearer.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isWorthBuildingUpon } from '../../../../agent/checkpoints/memory-lineage.ts';

describe('a line of dumps', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cmig-unit-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** @returns the images of the last of them; each holds those before it */
  async function dumps(sizes: number[]): Promise<string> {
    const images = join(folder, 'images');
    for (const [index, size] of sizes.toReversed().entries()) {
      const older = join(images, ...Array<string>(index).fill('older'));
      await mkdir(older, { recursive: true });
      await writeFile(join(older, 'pages-1.img'), Buffer.alloc(size));
      await writeFile(join(older, 'core-1.img'), Buffer.alloc(5000));
    }
    return images;
  }

  it('goes on while those after the first hold less than it, and up to twelve', async () => {
    expect(await isWorthBuildingUpon(await dumps([1000]))).toBe(true);
    expect(await isWorthBuildingUpon(await dumps([1000, 400, 599]))).toBe(true);
    expect(await isWorthBuildingUpon(await dumps([1000, 400, 600]))).toBe(false);
    expect(await isWorthBuildingUpon(await dumps([1000, ...Array<number>(10).fill(1)]))).toBe(true);
    expect(await isWorthBuildingUpon(await dumps([1000, ...Array<number>(11).fill(1)]))).toBe(false);
  });

  it('does not begin where nothing was dumped', async () => {
    expect(await isWorthBuildingUpon(join(folder, 'gone'))).toBe(false);
  });
});
