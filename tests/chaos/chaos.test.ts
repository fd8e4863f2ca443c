// Many operators, applications and mishaps at once, by random: after each round all is as the design allows, and nothing is left.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { runProcess } from '../../src/core/run-process.ts';
import { artifacts, cmigProgram, labName, root, settings } from '../e2e/settings.ts';
import { ChaosRun } from './run.ts';

const limitMs = 6 * 3_600_000;

it(
  'leaves every application in exactly one place, and nothing behind',
  async () => {
    const seed = Number(process.env.CMIG_SEED || Math.floor(Math.random() * 0x7fffffff));
    const commands = Number(process.env.CMIG_CHAOS_COMMANDS || 300);
    const lab = labName;
    process.stderr.write(`chaos: CMIG_SEED=${seed} CMIG_CHAOS_COMMANDS=${commands}\n`);
    await mkdir(settings.folder, { recursive: true });
    const up = ['lab', 'up', '--name', lab, '--hosts', '3', '--sites', 'one,two,three', '--tls'];
    await runProcess(cmigProgram, up, { env: { CMIG_CONFIG: settings.config }, timeoutMs: 180_000 });
    const run = await ChaosRun.begin({
      lab,
      seed,
      commands,
      limitMs,
      program: cmigProgram,
      config: settings.config,
      images: join(root, 'manifests/images'),
      folder: join(artifacts, `chaos-${seed}`),
      troubleShare: 0.35,
    });
    try {
      await run.all();
    } finally {
      process.stderr.write(`chaos: ${JSON.stringify(run.counts)}\n`);
    }
    expect(run.counts.commands).toBeGreaterThanOrEqual(commands);
  },
  limitMs,
);
