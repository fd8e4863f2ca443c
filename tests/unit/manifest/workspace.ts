// A folder with an image, to put manifests into.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CmigError } from '../../../src/core/errors.ts';
import { type ReadOptions, readManifests } from '../../../src/manifest/read-manifests.ts';

/** A sound manifest; `dir:app` is in every workspace. */
export const sound = `apiVersion: cmig.dev/v1
kind: Application
metadata:
  name: shop
spec:
  host: host-a
  containers:
    - name: db
      image: dir:app
      command: [serve]
    - name: web
      image: dir:app
      command: [serve, --port, "80"]
      dependsOn: [db]
`;

export class Workspace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Workspace> {
    const workspace = new Workspace(await realpath(await mkdtemp(join(tmpdir(), 'cmig-manifest-'))));
    await workspace.write('app/bin/serve', '');
    return workspace;
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** `line:column: message (hint)` of each problem, or `file: …` where more than one file was read. */
  async problems(paths: string | readonly string[], options?: ReadOptions): Promise<string[]> {
    try {
      await readManifests(paths, options);
      return [];
    } catch (error) {
      if (!(error instanceof CmigError) || error.code !== 'invalid') throw error;
      return (error.problems ?? []).map(({ where = '', message, hint }) => {
        const place = where.replace(`${this.folder}/`, '');
        return `${place}: ${message}${hint ? ` (${hint})` : ''}`;
      });
    }
  }

  /** The problems of one manifest of this text. */
  async problemsOf(text: string | Uint8Array): Promise<string[]> {
    const found = await this.problems(await this.write('m.yaml', text));
    return found.map((problem) => problem.replace(/^m\.yaml:/, '').trim());
  }

  /** The problems that come of one change of a sound manifest. */
  async problemsAfter(from: string | RegExp, to: string): Promise<string[]> {
    const changed = sound.replace(from, to);
    if (changed === sound) throw new Error(`${from} is not in the sound manifest`);
    return this.problemsOf(changed);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}
