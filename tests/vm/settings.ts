// Where the configuration of cmig and what the tests must know of the machines are; beside those of a lab of that name.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labName } from '../e2e/settings.ts';

export const folder = join(tmpdir(), `cmig-${labName}-vm`);
export const configuration = join(folder, 'config.yaml');
/** A SceneState. */
export const stateFile = join(folder, 'scene.json');
