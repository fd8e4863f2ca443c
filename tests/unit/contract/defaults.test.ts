// What a manifest means where it says nothing.
import { describe, expect, it } from '@jest/globals';
import type { ApplicationManifest } from '../../../src/contract/application.ts';
import { completeApplication, completeContainer } from '../../../src/contract/defaults.ts';

const least = { name: 'web', image: 'dir:x', command: ['serve'] };

describe('defaults', () => {
  it('fill in what is not said, and change nothing that is', () => {
    expect(completeContainer(least)).toEqual({
      ...least,
      env: [{ name: 'PATH', value: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }],
      workingDir: '/',
      user: '0:0',
      volumes: [],
      dependsOn: [],
      readOnlyRootFilesystem: false,
      stopSignal: 'SIGTERM',
      stopTimeout: '10s',
      log: { maxSize: '10Mi', maxFiles: 3 },
    });
    const said = {
      ...least,
      env: [{ name: 'PATH', value: '/bin' }],
      user: '5:6',
      volumes: [{ name: 'v', mountPath: '/v', readOnly: true }],
      ready: { http: { port: 1, path: '/up' }, interval: '1s', timeout: '2s' },
      stopTimeout: '1s',
      log: { maxSize: '1k', maxFiles: 1 },
    };
    expect(completeContainer(said)).toMatchObject(said);
  });

  it('take one half of what has two', () => {
    expect(completeContainer({ ...least, user: '7' }).user).toBe('7:7');
    expect(completeContainer({ ...least, log: { maxFiles: 1 } }).log).toEqual({
      maxSize: '10Mi',
      maxFiles: 1,
    });
    expect(completeContainer({ ...least, ready: { http: { port: 80 } } }).ready).toEqual({
      http: { port: 80, path: '/' },
      interval: '250ms',
      timeout: '30s',
    });
  });

  it('leave the manifest as it is', () => {
    const manifest: ApplicationManifest = {
      apiVersion: 'cmig.dev/v1',
      kind: 'Application',
      metadata: { name: 'a' },
      spec: {
        host: 'h',
        containers: [{ ...least, ready: { tcp: 1 }, env: [] }],
        migration: { maxDowntime: '1s' },
        checkpoints: { every: '10m' },
      },
    };
    const before = structuredClone(manifest);
    const complete = completeApplication(manifest);
    expect(manifest).toEqual(before);
    expect(complete.spec).toMatchObject({
      restartPolicy: 'Always',
      migration: { strategy: 'auto', maxDowntime: '1s' },
      volumes: [],
      checkpoints: { every: '10m', keep: 5 },
    });
    // Filling in twice is filling in once.
    expect(completeApplication(complete as unknown as ApplicationManifest)).toEqual(complete);
  });
});
