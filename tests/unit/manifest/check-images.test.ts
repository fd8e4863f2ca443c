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
  await workspace.write('inside/layout/oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  const manifests = ['v1', 'v2'].map((tag) => ({
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }));
  await workspace.write('inside/layout/index.json', JSON.stringify({ schemaVersion: 2, manifests }));
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
      'spec.containers[0].image must be dir:PATH, tar:PATH, oci:DIR, docker-archive:FILE or docker://NAME, but is the string "redis:7" (write "docker://redis:7")',
    ],
    [
      './app.tar',
      'spec.containers[0].image must be dir:PATH, tar:PATH, oci:DIR, docker-archive:FILE or docker://NAME, but is the string "./app.tar" (write "tar:./app.tar")',
    ],
    ['oci:app', 'the image "app" is no OCI layout: it has no oci-layout and index.json (is dir: meant?)'],
    ['oci:app.tar', 'the image "app.tar" is no folder (is docker-archive: meant?)'],
    ['oci:layout:v3', 'the image "layout" has no image that is tagged "v3" (did you mean "v1" or "v2"?)'],
    ['oci:layout', 'the image "layout" holds 2 images (name one of them as oci:layout:TAG; it has v1, v2)'],
    [
      'dir:layout',
      'the image "layout" does not look like a root file system: it has no bin, usr, lib or etc (it is an OCI layout: write oci:layout)',
    ],
    ['oci:../layout', 'the image "../layout" lies outside of the manifest\'s folder'],
    ['docker-archive:app', 'the image "app" is no file (is oci: meant?)'],
    ['docker-archive:notes.txt', 'the image "notes.txt" is no tar archive'],
    [
      'docker://example.org/Web',
      'spec.containers[0].image is "docker://example.org/Web": "example.org/Web" is no name of an image (names are written in lower case: "web")',
    ],
    [
      'docker://web@sha256:0123',
      'spec.containers[0].image is "docker://web@sha256:0123": "sha256:0123" is no digest (it has 4 hexadecimal digits, not 64)',
    ],
  ])('refuses %s', async (image, expected) => {
    const found = await workspace.problems(await withImage(image));
    expect(found).toHaveLength(1);
    expect(found[0]!.replace(/^inside\/m\.yaml:9:14: /, '').slice(0, expected.length)).toBe(expected);
  });

  it.each([
    'tar:app.tar',
    'tar:app.tgz',
    'dir:good-link',
    'dir:./app/',
    'oci:layout:v1',
    'docker-archive:app.tar',
    'docker://web',
  ])('takes %s', async (image) => {
    expect(await workspace.problems(await withImage(image))).toEqual([]);
  });

  it('asks for a command only where no image can bring it along', async () => {
    const silent = (image: string): Promise<string> =>
      workspace.write(
        'inside/s.yaml',
        sound.replace('dir:app', image).replace('      command: [serve]\n', ''),
      );
    expect(await workspace.problems(await silent('oci:layout:v1'))).toEqual([]);
    const [problem, ...others] = await workspace.problems(await silent('dir:app'));
    expect(problem).toMatch(
      /^inside\/s\.yaml:8:7: missing key "command" in spec\.containers\[0\] \(command: /,
    );
    expect(others).toEqual([]);
  });

  it('takes images from outside where that is allowed, by the path that links lead to', async () => {
    const [loaded] = await readManifests(await withImage('dir:link'), { allowOutside: true });
    expect(loaded?.images.db).toEqual({ form: 'dir', path: '/etc' });
    expect(await workspace.problems(await withImage('dir:../app'), { allowOutside: true })).toEqual([]);
  });
});
