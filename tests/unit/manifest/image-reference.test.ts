// What an image's text means: path, tag and digest told apart, and what is none refused with a word on why.
import { describe, expect, it } from '@jest/globals';
import {
  type ImageReference,
  parseImageReference,
  referenceText,
  registryOf,
} from '../../../src/manifest/image-reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('an image reference', () => {
  it.each<[string, ImageReference]>([
    ['dir:a:b@c', { form: 'dir', path: 'a:b@c' }],
    ['tar:./a.tar.gz', { form: 'tar', path: './a.tar.gz' }],
    ['oci:layout', { form: 'oci', path: 'layout' }],
    ['oci:/a/b:1.0', { form: 'oci', path: '/a/b', tag: '1.0' }],
    ['oci:a:b/c', { form: 'oci', path: 'a:b/c' }],
    ['oci:me@home', { form: 'oci', path: 'me@home' }],
    [`oci:a:1@${digest}`, { form: 'oci', path: 'a', tag: '1', digest }],
    ['docker-archive:a.tar', { form: 'docker-archive', path: 'a.tar' }],
    ['docker-archive:a.tar:web:1', { form: 'docker-archive', path: 'a.tar', name: 'web:1' }],
    ['docker://redis', { form: 'docker', name: 'redis' }],
    ['docker://redis:7.2', { form: 'docker', name: 'redis', tag: '7.2' }],
    ['docker://localhost:5000/a/b', { form: 'docker', name: 'localhost:5000/a/b' }],
    ['docker://[::1]:5000/a:b', { form: 'docker', name: '[::1]:5000/a', tag: 'b' }],
    [`docker://r.example.org/a:1@${digest}`, { form: 'docker', name: 'r.example.org/a', tag: '1', digest }],
  ])('%s', (text, expected) => {
    expect(parseImageReference(text)).toEqual(expected);
    expect(referenceText(expected)).toBe(text);
  });

  it.each([
    ['docker://', 'no name of an image'],
    ['oci:', 'is no image'],
    ['docker://Redis', 'no name of an image'],
    ['docker:///redis', 'no name of an image'],
    ['docker://a//b', 'no name of an image'],
    ['docker://-o/x', 'no name of an image'],
    ['docker://a.b:port/x', 'no registry'],
    ['docker://redis:', 'no tag'],
    ['docker://redis:-x', 'no tag'],
    ['oci:a:.x', 'no tag'],
    ['oci::x', 'path of the layout is missing'],
    ['docker://redis@sha256:xyz', 'no digest'],
    [`docker://redis@${digest}0`, 'no digest'],
    [`docker-archive:a.tar@${digest}`, 'has no digest'],
    ['docker-archive:a.tar:Web:1', 'no name of an image'],
  ])('refuses %s', (text, expected) => {
    expect(parseImageReference(text)).toMatchObject({ message: expect.stringContaining(expected) });
  });

  it('knows whom to ask', () => {
    const ask = (name: string): string => registryOf({ form: 'docker', name });
    expect([ask('redis'), ask('team/web'), ask('localhost/web'), ask('a.example.org:5000/web')]).toEqual([
      'docker.io',
      'docker.io',
      'localhost',
      'a.example.org:5000',
    ]);
  });
});
