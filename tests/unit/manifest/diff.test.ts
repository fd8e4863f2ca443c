// The difference of two applications as text.
import { describe, expect, it } from '@jest/globals';
import { diffYaml } from '../../../src/manifest/diff.ts';

const metadata = { name: 'shop', labels: { b: '2', a: '1' } };
const web = { name: 'web', image: 'dir:web', command: ['serve'], env: [], log: undefined };
const application = {
  metadata,
  spec: { host: 'host-a', containers: [web], migration: { strategy: 'auto' } },
};

describe('diffYaml', () => {
  it('says nothing where nothing differs: neither the order of keys, nor what is empty', () => {
    const same = {
      spec: {
        containers: [{ command: ['serve'], image: 'dir:web', name: 'web' }],
        migration: { strategy: 'auto' },
        host: 'host-a',
      },
      metadata: { labels: { a: '1', b: '2' }, annotations: {}, name: 'shop' },
    };
    expect(diffYaml('shop', application, same)).toBe('');
  });

  it('is all new where there was nothing', () => {
    expect(diffYaml('shop', undefined, application)).toBe(`--- /dev/null
+++ wanted/shop
@@ -0,0 +1,14 @@
+metadata:
+  name: shop
+  labels:
+    a: "1"
+    b: "2"
+spec:
+  host: host-a
+  containers:
+    - name: web
+      image: dir:web
+      command:
+        - serve
+  migration:
+    strategy: auto
`);
  });

  it('shows the lines that differ, and three around them', () => {
    const wanted = {
      metadata,
      spec: { ...application.spec, containers: [{ ...web, command: ['serve', '--all'] }] },
    };
    expect(diffYaml('shop', application, wanted)).toBe(`--- running/shop
+++ wanted/shop
@@ -10,5 +10,6 @@
       image: dir:web
       command:
         - serve
+        - --all
   migration:
     strategy: auto
`);
  });
});
