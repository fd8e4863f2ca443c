// Compose files as people write them become sound manifests, and whatever is lost on the way is told with its line.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { readCompose } from '../../../../src/manifest/compose/read-compose.ts';
import { Workspace } from '../workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
});
afterAll(() => workspace.remove());

async function convert(text: string, env: Record<string, string> = {}) {
  const path = await workspace.write('blog/compose.yaml', text);
  const { manifest, notes } = await readCompose(path, { env, host: 'host-a' });
  // What comes out can be applied.
  expect(await workspace.problems(await workspace.write('out/m.yaml', stringify(manifest)))).toEqual([]);
  const told = notes.map(({ where, message }) => `${where.replace(/^.*compose\.yaml:/, '')} ${message}`);
  return { manifest, spec: manifest.spec, told };
}

const wordpress = `services:
  db:
    image: mariadb:10.6.4-focal
    command: '--default-authentication-plugin=mysql_native_password'
    volumes:
      - db_data:/var/lib/mysql
    restart: always
    environment:
      - MYSQL_ROOT_PASSWORD=\${ROOT_PASSWORD:?needed}
      - MYSQL_DATABASE=wordpress
    expose:
      - 3306
      - 33060
  wordpress:
    image: wordpress:\${TAG:-latest}
    volumes:
      - wp_data:/var/www/html
      - ./themes:/var/www/html/wp-content/themes:ro
    ports:
      - 80:80
      - "127.0.0.1:8443:443"
    restart: always
    depends_on: [db]
    environment:
      - WORDPRESS_DB_HOST=db
      - PRICE=5$$
volumes:
  db_data:
  wp_data: {driver: local}
`;

const monitoring = `version: "3.8"
name: Monitoring Stack
x-logging: &logging
  logging: {driver: json-file}
services:
  prometheus:
    <<: *logging
    image: prom/prometheus:v2.45.0
    user: "65534:65534"
    entrypoint: ["/bin/prometheus"]
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.retention.time=15d
    volumes:
      - {type: volume, source: prom, target: /prometheus}
      - type: bind
        source: ./prometheus.yml
        target: /etc/prometheus/prometheus.yml
      - /var/cache/scratch
    healthcheck:
      test: wget -q --spider http://localhost:9090/-/healthy || exit 1
      interval: 1m30s
      timeout: 10s
      retries: 2
      start_period: 20s
    stop_grace_period: 1m
    stop_signal: INT
    cap_drop: [all]
    cap_add: [net_bind_service]
    read_only: true
    mem_limit: 1g
    pids_limit: 200
  node_exporter:
    image: quay.io/prometheus/node-exporter@sha256:${'ab'.repeat(32)}
    network_mode: host
    pid: host
    ports: ["9100"]
    restart: on-failure:3
    depends_on:
      prometheus: {condition: service_healthy}
  debug:
    image: busybox
    profiles: [debug]
volumes: {prom: {}}
`;

describe('a Compose file', () => {
  it('of a blog', async () => {
    const { spec, manifest, told } = await convert(wordpress, { ROOT_PASSWORD: 'geheim' });
    expect(manifest.metadata.name).toBe('blog');
    expect(spec).toEqual({
      host: 'host-a',
      restartPolicy: 'Always',
      volumes: [{ name: 'db-data' }, { name: 'wp-data' }],
      containers: [
        {
          name: 'db',
          image: 'docker://mariadb:10.6.4-focal',
          args: ['--default-authentication-plugin=mysql_native_password'],
          env: [
            { name: 'MYSQL_ROOT_PASSWORD', value: 'geheim' },
            { name: 'MYSQL_DATABASE', value: 'wordpress' },
          ],
          exposedPorts: ['3306/tcp', '33060/tcp'],
          volumes: [{ name: 'db-data', mountPath: '/var/lib/mysql' }],
        },
        {
          name: 'wordpress',
          image: 'docker://wordpress:latest',
          env: [
            { name: 'WORDPRESS_DB_HOST', value: 'db' },
            { name: 'PRICE', value: '5$' },
          ],
          exposedPorts: ['80/tcp', '443/tcp'],
          volumes: [{ name: 'wp-data', mountPath: '/var/www/html' }],
          dependsOn: ['db'],
        },
      ],
    });
    expect(told).toEqual([
      '18:9 wordpress: ./themes of the host is left out: put it into the image, or into a volume that moves along',
      expect.stringMatching(/^21:9 wordpress: it is reached at port 443 .* not at 8443$/),
      '29:12 wp_data: its options are left out; it begins empty, or with what the image has',
    ]);
  });

  it('of a monitoring stack, in the long forms', async () => {
    const { spec, manifest, told } = await convert(monitoring);
    expect(manifest.metadata.name).toBe('monitoring-stack');
    expect(spec.restartPolicy).toBe('OnFailure');
    expect(spec.volumes).toEqual([{ name: 'prom' }, { name: 'prometheus-var-cache-scratch' }]);
    expect(spec.containers).toMatchObject([
      {
        name: 'prometheus',
        user: '65534:65534',
        command: ['/bin/prometheus'],
        args: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.retention.time=15d'],
        volumes: [
          { name: 'prom', mountPath: '/prometheus' },
          { name: 'prometheus-var-cache-scratch', mountPath: '/var/cache/scratch' },
        ],
        ready: {
          exec: ['/bin/sh', '-c', 'wget -q --spider http://localhost:9090/-/healthy || exit 1'],
          interval: '90s',
          timeout: '220s',
        },
        stopTimeout: '60s',
        stopSignal: 'SIGINT',
        capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
        readOnlyRootFilesystem: true,
        resources: { memory: '1Gi', pids: 200 },
      },
      {
        name: 'node-exporter',
        image: `docker://quay.io/prometheus/node-exporter@sha256:${'ab'.repeat(32)}`,
        dependsOn: ['prometheus'],
      },
    ]);
    for (const lost of [
      /logging is left out/,
      /\.\/prometheus\.yml of the host is left out/,
      /the health check says when it is ready/,
      /different restart policies; here all have OnFailure/,
      /node_exporter is called node-exporter here/,
      /network_mode is left out/,
      /pid is left out: it has no counterpart/,
      /debug is left out: it is only there with a profile/,
    ])
      expect(told).toContainEqual(expect.stringMatching(lost));
    expect(told).toHaveLength(8);
  });

  it('with a build and variables that are not set', async () => {
    const path = await workspace.write(
      'shop/compose.yaml',
      'services:\n  web:\n    build: .\n    command: run "a b" \'c\'\n    environment:\n      TOKEN:\n      MODE: $MODE\n    scale: 2\n',
    );
    const { manifest, notes } = await readCompose(path, { env: {}, host: 'host-a', name: 'mine' });
    expect(manifest.metadata.name).toBe('mine');
    expect(manifest.spec.containers).toEqual([
      {
        name: 'web',
        image: 'oci:./images/web',
        args: ['run', 'a b', 'c'],
        env: [{ name: 'MODE', value: '' }],
      },
    ]);
    expect(notes.map(({ message }) => message)).toEqual([
      'the variable MODE is not set: it counts as empty',
      expect.stringContaining('web: build is not carried over'),
      'web: TOKEN has no value here, and is left out',
      'web: scale is left out: every container is there once',
    ]);
  });

  it('takes the variables of its files, which those of its own win over', async () => {
    await workspace.write(
      'blog/one.env',
      [
        '# a comment',
        'export PLAIN = a value # with a comment',
        `LITERAL='$PLAIN \${HOME}'`,
        `QUOTED="line\\none # \${PLAIN}"`,
        'EMPTY=',
        'FROM_HERE',
        'NOWHERE',
        'OWN=file',
        `ASKED=\${MISSING}`,
        'URL=http://x/#part',
      ].join('\r\n'),
    );
    await workspace.write('blog/two.env', 'PLAIN: another\nOTHER="$QUOTED"\n');
    const { spec, told } = await convert(
      [
        'services:',
        '  a:',
        '    image: x',
        '    env_file: [one.env, {path: ./two.env}, {path: none.env, required: false}, absent.env]',
        '    environment: [OWN=own]',
        '  b: {image: x, env_file: two.env}',
      ].join('\n'),
      { FROM_HERE: 'here', HOME: '/root' },
    );
    expect(Object.fromEntries(spec.containers[0]!.env!.map(({ name, value }) => [name, value]))).toEqual({
      PLAIN: 'another',
      LITERAL: `$PLAIN \${HOME}`,
      QUOTED: 'line\none # a value',
      EMPTY: '',
      FROM_HERE: 'here',
      OWN: 'own',
      ASKED: '',
      URL: 'http://x/#part',
      OTHER: '',
    });
    expect(spec.containers[1]!.env).toEqual([
      { name: 'PLAIN', value: 'another' },
      { name: 'OTHER', value: '' },
    ]);
    expect(told).toEqual([
      expect.stringContaining('the variable MISSING is not set'),
      expect.stringContaining('the variable QUOTED is not set'),
      '4:15 a: absent.env cannot be read: its variables are missing',
    ]);
  });

  it('shares one network among its services: what collides there is told', async () => {
    const { told } = await convert(
      'services:\n  a_1: {image: x, expose: [80]}\n  b: {image: x, ports: ["8080:80/tcp"], command: serve --peer=a_1:80 --own=b:80}\n',
    );
    expect(told).toContainEqual(expect.stringContaining('a-1 and b both listen on 80/tcp'));
    expect(told).toContainEqual(
      expect.stringContaining('b: command speaks of the host a_1, which is called a-1 here'),
    );
    // By its name, one that has kept it is found.
    expect(told).not.toContainEqual(expect.stringContaining('of the host b'));
  });

  it('with slips of a key says what they were to be, where they stand, and leaves them out', async () => {
    const { spec, told } = await convert(
      'services:\n  web:\n    imgae: x\n    image: x\n    mem_limit: 12q\n    depends_on: [dv, api]\n  db: {image: y}\n  api: {image: z}\n',
    );
    expect(told).toEqual([
      '3:12 web: imgae is left out: did you mean "image"?',
      '5:16 web: the memory limit 12q is not understood: it is left out',
      '6:17 web: it depends on dv, which is not there: left out; did you mean "db"?',
    ]);
    expect(spec.containers[0]!.dependsOn).toEqual(['api']);
    await expect(readCompose('nothing.yaml', { env: {}, host: 'a', name: 'Sh op' })).rejects.toMatchObject({
      message: '"Sh op" is no name for an application',
    });
  });

  it.each([
    ['apiVersion: cmig.dev/v1\nkind: Application\n', 'is no Compose file: it has no services'],
    ['services: {a: {image: x}}\n---\nservices: {}\n', 'holds several documents'],
    ['', 'is empty'],
    ['services: [', expect.any(String)],
  ])('is refused where it is none: %j', async (text, message) => {
    const path = await workspace.write('bad/compose.yaml', text);
    await expect(readCompose(path, { env: {}, host: 'a' })).rejects.toMatchObject({
      code: 'invalid',
      problems: [{ message, where: expect.stringContaining('compose.yaml') }],
    });
  });
});
