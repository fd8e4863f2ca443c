// What is wrong with a manifest is told in full, once, where it stands, and with what to do.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readManifests } from '../../../src/manifest/read-manifests.ts';
import { sound, Workspace } from './workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
});
afterAll(() => workspace.remove());

describe('readManifests', () => {
  it('answers with the manifest, its images and where it stands', async () => {
    const file = await workspace.write('sound.yaml', `# a comment\n${sound}`);
    const image = { form: 'dir', path: workspace.path('app') };
    expect(await readManifests(file)).toMatchObject([
      {
        manifest: { kind: 'Application', metadata: { name: 'shop' }, spec: { host: 'host-a' } },
        images: { db: image, web: image },
        file,
        folder: workspace.folder,
        where: `${file}:2:1`,
      },
    ]);
  });

  it('reads several documents, skips empty ones, and takes CRLF, comments, anchors and merge keys', async () => {
    const other = sound
      .replace('name: shop', 'name: other')
      .replace('- name: db', '- &db\n      name: db')
      .replace(/- name: web[\s\S]*/, '- <<: *db\n      name: web\n');
    const file = await workspace.write(
      'two.yaml',
      `---\n${sound}---\n# nothing\n---\n${other}`.replaceAll('\n', '\r\n'),
    );
    const loaded = await readManifests(file);
    expect(loaded.map(({ manifest }) => manifest.metadata.name)).toEqual(['shop', 'other']);
    expect(loaded[1]!.manifest.spec.containers[1]).toEqual({
      name: 'web',
      image: 'dir:app',
      command: ['serve'],
    });
  });

  it('reads what `get -o yaml` prints: a list, each with its status; what is wrong in it stands where it stands', async () => {
    const item = (text: string) =>
      `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n  status: {phase: Running}\n`;
    const list = (...items: string[]) =>
      `apiVersion: cmig.dev/v1\nkind: List\nitems:\n${items.map(item).join('')}`;
    const file = await workspace.write('list.yaml', list(sound, sound.replace('name: shop', 'name: other')));
    const loaded = await readManifests(file);
    expect(loaded.map(({ manifest }) => manifest.metadata.name)).toEqual(['shop', 'other']);
    expect(loaded[0]!.manifest).toEqual(
      (await readManifests(await workspace.write('one.yaml', sound)))[0]!.manifest,
    );
    await workspace.write('list.yaml', list(sound.replace('host: host-a', 'hst: host-a')));
    await expect(readManifests(file)).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({
          where: expect.stringMatching(/list\.yaml:\d+:5$/),
          message: expect.stringContaining('unknown key "hst" in spec'),
        }),
      ]),
    });
  });

  it.each([
    [
      'a misspelt key',
      'dependsOn',
      'dependOn',
      '14:7: unknown key "dependOn" in spec.containers[1] (did you mean "dependsOn"?)',
    ],
    [
      'a host where a list of hosts or all belongs',
      'host: host-a',
      'host: host-a\n  network: {ports: [{port: 1, hostPort: 1, hosts: all}, {port: 2, hostPort: 2, hosts: host-a}]}',
      '7:87: spec.network.ports[1].hosts must be all, or a list of hosts, but is the string "host-a" (write it as a list: [host-a])',
    ],
    [
      'what is no list of hosts at all',
      'host: host-a',
      'host: host-a\n  network: {ports: [{port: 1, hostPort: 1, hosts: {}}]}',
      '7:51: spec.network.ports[0].hosts must be all, or a list of hosts, but is a mapping',
    ],
    [
      'a host port that all hosts and one of them are to have',
      'host: host-a',
      'host: host-a\n  network: {ports: [{port: 1, hostPort: 1, hosts: all}, {port: 2, hostPort: 1, hosts: [host-a]}]}',
      '7:77: the host port 1 is published twice (the first one stands at m.yaml:7:41)',
    ],
    [
      'a key of Kubernetes',
      'dependsOn: [db]',
      'volumeMounts: []',
      '14:7: unknown key "volumeMounts" in spec.containers[1] (did you mean "volumes"?)',
    ],
    [
      'a key at the wrong place',
      'host: host-a',
      'host: host-a\n  image: x',
      '7:3: unknown key "image" in spec ("image" belongs to spec.containers[])',
    ],
    [
      'a key that is misspelt is not missing as well',
      'image: dir:app',
      'imgae: dir:app',
      '9:7: unknown key "imgae" in spec.containers[0] (did you mean "image"?)',
    ],
    [
      'a missing key',
      '\n      image: dir:app',
      '',
      '8:7: missing key "image" in spec.containers[0] (image: A root file system, as a folder (dir:PATH) or an archive (tar:PATH), or an image that says what to run: oci:DIR[:TAG], docker-archive:FILE[:NAME:TAG], docker://NAME[:TAG]. Paths are relative to the manifest; @sha256:… after oci: or docker:// pins it.)',
    ],
    [
      'a missing kind',
      'kind: Application\n',
      '',
      '1:1: missing key "kind" in the manifest (write "kind: Application")',
    ],
    [
      'a wrong type',
      'command: [serve]',
      'command: serve --fast',
      '10:16: spec.containers[0].command must be a list of strings, but is the string "serve --fast" (write it as a list: [serve, --fast])',
    ],
    [
      'a number for a string',
      '"80"',
      '80',
      '13:32: spec.containers[1].command[2] must be a string, but is the number 80 (put it in quotes: "80")',
    ],
    [
      'an empty value',
      'host: host-a',
      'host:',
      '6:8: spec.host must be a string, but is empty (give it a value)',
    ],
    [
      'an empty list',
      'command: [serve]',
      'command: []',
      '10:16: spec.containers[0].command must have at least one item, but is empty',
    ],
    [
      'a path for a name',
      'name: shop',
      'name: ../x',
      '4:9: metadata.name must be a name of 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end, but is the string "../x" (a name is no path)',
    ],
    [
      'a name in capitals',
      'name: shop',
      'name: My Shop',
      '4:9: metadata.name must be a name of 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end, but is the string "My Shop" (write "my-shop")',
    ],
    [
      'a duration without a unit',
      'dependsOn',
      'stopTimeout: 10\n      dependsOn',
      '14:20: spec.containers[1].stopTimeout must be a duration such as 500ms, 10s, 5m or 1h, but is the number 10 (a unit is missing: write "10s" for seconds)',
    ],
    [
      'a size of another fashion',
      'dependsOn',
      'resources: {memory: 256MB}\n      dependsOn',
      '14:27: spec.containers[1].resources.memory must be a size such as 1048576, 512Ki, 256Mi or 1Gi, but is the string "256MB" (write "256Mi")',
    ],
    [
      'a number of cores that is none',
      'dependsOn',
      'resources: {cpu: "0"}\n      dependsOn',
      '14:24: spec.containers[1].resources.cpu must be more than 0 (leave it out for no limit)',
    ],
    [
      'an address with a prefix',
      'host: host-a',
      'host: host-a\n  network: {address: 10.0.0.1/24}',
      '7:22: spec.network.address must be an IPv4 address such as 10.77.0.10, but is the string "10.0.0.1/24" (write it without the length of the prefix: "10.0.0.1")',
    ],
    [
      'an address that is not for one',
      'host: host-a',
      'host: host-a\n  network: {address: 127.0.0.1}',
      '7:22: spec.network.address must be an address that one application can have, and 127.0.0.1 is none (leave it out to have one chosen)',
    ],
    [
      'a value that is not offered',
      'host: host-a',
      'host: host-a\n  restartPolicy: always',
      '7:18: spec.restartPolicy must be Always, OnFailure or Never, but is the string "always" (did you mean "Always"?)',
    ],
    [
      'a port out of range',
      'dependsOn',
      'ready: {tcp: 70000}\n      dependsOn',
      '14:20: spec.containers[1].ready.tcp must be between 1 and 65535, but is 70000',
    ],
    [
      'no probe',
      'dependsOn',
      'ready: {interval: 1s}\n      dependsOn',
      '14:7: spec.containers[1].ready must have exactly one of tcp, exec or http, but has none of them',
    ],
    [
      'two probes',
      'dependsOn',
      'ready: {tcp: 1, exec: [a]}\n      dependsOn',
      '14:7: spec.containers[1].ready must have exactly one of tcp, exec or http, but has tcp and exec',
    ],
    [
      'a misspelt probe',
      'dependsOn',
      'ready: {tpc: 1}\n      dependsOn',
      '14:15: unknown key "tpc" in spec.containers[1].ready (did you mean "tcp"?)',
    ],
    [
      'an unknown signal',
      'dependsOn',
      'stopSignal: SIGTREM\n      dependsOn',
      '14:19: spec.containers[1].stopSignal is "SIGTREM", which is no signal (did you mean "SIGTERM" or "SIGTRAP"?)',
    ],
    [
      'an unknown capability',
      'dependsOn',
      'capabilities: {add: [CAP_NET_ADMIM]}\n      dependsOn',
      '14:28: spec.containers[1].capabilities.add[0] is "CAP_NET_ADMIM", which is no capability (did you mean "NET_ADMIN"?)',
    ],
    [
      'a label that no selector could name',
      'name: shop',
      'name: shop\n  labels: {-x: y}',
      '5:12: the key "-x" in metadata.labels is not allowed (keys here are 1 to 253 letters, digits, "-", "_", "." or "/" that begin with a letter or digit)',
    ],
    [
      'a container that is named twice',
      'name: web',
      'name: db',
      '11:13: two containers are named "db" (the first one stands at m.yaml:8:13)',
    ],
    [
      'a variable that is named twice',
      'dependsOn',
      'env: [{name: A, value: a}, {name: A, value: b}]\n      dependsOn',
      '14:41: two variables of the container are named "A" (the first one stands at m.yaml:14:20)',
    ],
    [
      'a dependency that does not exist',
      '[db]',
      '[bd]',
      '14:19: there is no container "bd" (did you mean "db"?)',
    ],
    [
      'a container that depends on itself',
      '[db]',
      '[web]',
      '14:19: the container web depends on itself (none of them could be started first)',
    ],
    [
      'a volume that is not declared',
      'dependsOn',
      'volumes: [{name: data, mountPath: /data}]\n      dependsOn',
      '14:24: there is no volume "data" in spec.volumes (declare it: spec.volumes: [{name: data}])',
    ],
    [
      'a key that is given twice',
      'host: host-a',
      'host: host-a\n  host: host-b',
      '7:3: the key "host" is given twice (it is first given at m.yaml:6:3)',
    ],
  ])('%s', async (_what, from, to, expected) => {
    const found = await workspace.problemsAfter(from, to);
    expect(found.map((problem) => problem.replaceAll(`${workspace.folder}/`, ''))).toEqual([expected]);
  });

  it('spells a circle out, once', async () => {
    const circle = sound.replace('command: [serve]\n', 'command: [serve]\n      dependsOn: [web]\n');
    expect(await workspace.problemsOf(circle)).toEqual([
      '11:19: containers depend on each other in a circle: db → web → db (none of them could be started first)',
    ]);
  });

  it('refuses two volumes at one place, however it is written, and places that are the system’s', async () => {
    const mounts =
      '[{name: data, mountPath: /d}, {name: more, mountPath: /d/}, {name: more, mountPath: /proc/x}]';
    const found = await workspace.problemsAfter(
      /dependsOn.*/,
      `volumes: ${mounts}\n  volumes: [{name: data}, {name: more}]`,
    );
    expect(found.map((problem) => problem.replace(/ \(.*/, ''))).toEqual([
      '14:70: two volumes are mounted at "/d"',
      '14:100: a volume may not be mounted at "/proc/x": that is for the kernel’s own file systems',
    ]);
  });

  it('tells everything at once, in the order of the file', async () => {
    const found = await workspace.problemsOf(
      sound
        .replace('shop', 'Shop')
        .replace('host-a', 'a_b')
        .replace('[serve]', 'serve')
        .replace('[db]', '[dx]'),
    );
    expect(found.map((problem) => problem.split(': ')[0])).toEqual(['4:9', '6:9', '10:16', '14:19']);
  });

  it('tells what an alias repeats only once', async () => {
    const found = await workspace.problemsOf(
      sound
        .replace('command: [serve]', 'command: [serve]\n      env: &env [{name: A, value: 1}]')
        .replace('dependsOn', 'env: *env\n      dependsOn'),
    );
    expect(found).toEqual([expect.stringMatching(/^11:35: .*must be a string, but is the number 1/)]);
  });

  it('says of another kind just that, and what could be applied', async () => {
    expect(
      await workspace.problemsOf('apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3}\n'),
    ).toEqual([
      '1:13: apiVersion must be cmig.dev/v1, but is the string "apps/v1"',
      '2:7: kind must be Application, but is the string "Deployment" (the only kind that can be applied is Application)',
    ]);
    expect(await workspace.problemsOf('name: x\nversion: "3"\n')).toEqual([
      '1:1: is no manifest: it has none of the keys apiVersion, kind, metadata, spec',
    ]);
  });

  it('finds names and addresses that two files of one run share', async () => {
    const withAddress = sound.replace('host: host-a', 'host: host-a\n  network: {address: 10.0.0.9}');
    const one = await workspace.write('one.yaml', withAddress);
    const two = await workspace.write('two.yaml', withAddress);
    expect(await workspace.problems([one, two, one])).toEqual([
      `two.yaml:4:9: two applications are named "shop" (the first one stands at ${one}:4:9)`,
      `two.yaml:7:22: two applications have the address "10.0.0.9" (the first one stands at ${one}:7:22)`,
    ]);
  });
});
