// The Image as one host has it: layers that lie over one another, known by a digest that follows from theirs.
import Type from 'typebox';
import { apiVersion } from './protocol.ts';

export const Image = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal('Image'),
  metadata: Type.Object({
    name: Type.String({ description: 'The first twelve digits of its digest; the same on every host.' }),
  }),
  status: Type.Object({
    host: Type.String(),
    digest: Type.String({
      description: 'sha256:… that follows from those of its layers: the ChainID of OCI.',
    }),
    sizeBytes: Type.Integer({ description: 'Of its layers together, as tar streams.' }),
    sharedBytes: Type.Integer({ description: 'Of layers that other images on this host are made of, too.' }),
    ownBytes: Type.Integer({ description: 'Of layers that go with this image.' }),
    layers: Type.Array(
      Type.Object({
        digest: Type.String({ description: 'sha256:… of its content as one tar stream.' }),
        sizeBytes: Type.Integer({ description: 'Of the tar stream.' }),
      }),
      { description: 'The base first.' },
    ),
    source: Type.Optional(Type.String({ description: 'What a manifest called it when it first came.' })),
    createdAt: Type.String({
      description: 'RFC 3339: when it came to this host, or to the one that sent it.',
    }),
    usedBy: Type.Array(Type.String(), {
      description: 'What keeps it on this host: names of applications, and checkpoint/ID.',
    }),
  }),
});
export type Image = Type.Static<typeof Image>;

/** `sha256:0123456789abcdef…` -> `0123456789ab` */
export const imageName = (digest: string): string => digest.slice('sha256:'.length, 'sha256:'.length + 12);
