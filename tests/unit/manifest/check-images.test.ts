// An image is there, is what it says it is, and lies in the manifest's folder unless that is allowed.
import { mkdir, symlink } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../src/core/run-process.ts';
import { readManifests } from '../../../src/manifest/read-manifests.ts';
import { sound, Workspace } from './workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
  await workspace.write('inside/app/bin/serve', '');
  await workspace.write('inside/notes.txt', 'no archive '.repeat(100));
  await workspace.write('inside/empty.tar', '');
  await workspace.write('inside/odd/readme', '');
  await workspace.write('inside/bundle/rootfs/bin/sh', '');
  await mkdir(workspace.path('inside/nothing'));
  await symlink('/etc', workspace.path('inside/link'));
  await symlink('app', workspace.path('inside/good-link'));
  const archive = ['-C', workspace.path('app'), '.'];
  await runProcess('tar', ['-cf', workspace.path('inside/app.tar'), ...archive]);
  await runProcess('tar', ['-czf', workspace.path('inside/app.tgz'), ...archive]);
});
afterAll(() => workspace.remove());

const withImage = (image: string): Promise<string> =>
  workspace.write('inside/m.yaml', sound.replace('dir:app', JSON.stringify(image)));

describe('images', () => {
  it.each([
    ['dir:nothere', 'there is no folder "nothere" (looked for'],
    ['dir:ap', 'there is no folder "ap" (did you mean "app"'],
    ['tar:app', 'the image "app" is no file (is dir: meant?)'],
    ['dir:app.tar', 'the image "app.tar" is no folder (is tar: meant?)'],
    ['dir:nothing', 'the image "nothing" is an empty folder (is it built?)'],
    ['dir:odd', 'the image "odd" does not look like a root file system: it has no bin, usr, lib or etc'],
    [
      'dir:bundle',
      'the image "bundle" does not look like a root file system: it has no bin, usr, lib or etc (is dir:bundle/rootfs meant?)',
    ],
    ['tar:empty.tar', 'the image "empty.tar" is an empty file'],
    ['tar:notes.txt', 'the image "notes.txt" is no tar archive (an archive'],
    [
      'dir:../app',
      'the image "../app" lies outside of the manifest\'s folder (move it there, or say --allow-outside',
    ],
    ['dir:/etc', 'the image "/etc" lies outside of the manifest\'s folder (move it'],
    [
      'dir:app/../../nothere',
      'the image "app/../../nothere" lies outside of the manifest\'s folder (move it',
    ],
    ['dir:link', 'the image "link" lies outside of the manifest\'s folder (a symbolic link leads there)'],
    [
      'redis:7',
      'spec.containers[0].image must be dir:PATH or tar:PATH, but is the string "redis:7" (cmig pulls from no registry',
    ],
    [
      './app.tar',
      'spec.containers[0].image must be dir:PATH or tar:PATH, but is the string "./app.tar" (write "tar:./app.tar")',
    ],
    [
      'oci:app',
      'spec.containers[0].image must be dir:PATH or tar:PATH, but is the string "oci:app" (unpack it',
    ],
  ])('refuses %s', async (image, expected) => {
    const found = await workspace.problems(await withImage(image));
    expect(found).toHaveLength(1);
    expect(found[0]!.replace(/^inside\/m\.yaml:9:14: /, '').slice(0, expected.length)).toBe(expected);
  });

  it.each(['tar:app.tar', 'tar:app.tgz', 'dir:good-link', 'dir:./app/'])('takes %s', async (image) => {
    expect(await workspace.problems(await withImage(image))).toEqual([]);
  });

  it('takes images from outside where that is allowed, by the path that links lead to', async () => {
    const [loaded] = await readManifests(await withImage('dir:link'), { allowOutside: true });
    expect(loaded?.images.db).toEqual({ form: 'dir', path: '/etc' });
    expect(await workspace.problems(await withImage('dir:../app'), { allowOutside: true })).toEqual([]);
  });
});
