// Whether a CPU is enough for an application: for one with a baseline that is bound by it, the baseline is.
import { arch } from 'node:os';
import type { ApplicationManifest } from '../../src/contract/application.ts';
import { type CodeFacts, featuresOf } from '../../src/contract/cpu-baseline.ts';
import { CmigError } from '../../src/core/errors.ts';
import { missingInstructions, readInstructions } from './cpu-instructions.ts';
import { emulatorDigest, findEmulator, isEmulated } from './emulator.ts';

/** What was found where the application runs, or ran when it was captured. */
interface Found {
  manifest: ApplicationManifest;
  code?: CodeFacts | undefined;
}

export interface Refusal {
  message: string;
  hint: string;
}

interface ThisHost {
  name: string;
  env: { PATH: string };
}

const hint = 'choose a host whose CPU has them';

/**
 * Why this host cannot go on with it. `otherwise` tells, for what is bound by no baseline, what its CPU lacks of the other
 * host's.
 */
export async function refuseCpuFor(
  { manifest, code }: Found,
  host: ThisHost,
  otherwise: () => Promise<string | undefined>,
): Promise<Refusal | undefined> {
  const own = await readInstructions();
  const isBound = code?.unheld.length === 0;
  const { name } = manifest.metadata;
  if (code && isBound && isEmulated(manifest))
    return emulationRefusal(name, code, host.name, own) ?? (await refuseEmulator(name, code, host));
  const below = baselineRefusal(manifest, host.name, own);
  if (below || isBound) return below;
  const lacking = await otherwise();
  if (lacking === undefined) return undefined;
  if (!code) return { message: lacking, hint };
  return {
    message: `${lacking}; ${manifest.spec.cpu?.baseline} does not bind it: ${code.unheld.join(', ')}`,
    hint: `${hint}; what is known to keep to the baseline can be named in spec.cpu.trusted`,
  };
}

/** What this CPU lacks of the baseline. What is emulated needs none of it. */
export function baselineRefusal(
  manifest: ApplicationManifest,
  host: string,
  own: readonly string[],
): Refusal | undefined {
  const { baseline } = manifest.spec.cpu ?? {};
  if (!baseline || isEmulated(manifest)) return undefined;
  const missing = missingInstructions(featuresOf(baseline), own);
  const what = `${baseline}, the baseline of ${manifest.metadata.name}`;
  return missing.length > 0
    ? { message: `${host} lacks CPU features of ${what}: ${missing.join(', ')}`, hint }
    : undefined;
}

/** What it lacks of what QEMU found when it was started, and may have translated to. */
export function emulationRefusal(
  name: string,
  { startedOn = [] }: CodeFacts,
  host: string,
  own: readonly string[],
): Refusal | undefined {
  const missing = missingInstructions(startedOn, own);
  if (missing.length === 0) return undefined;
  return {
    message: `${host} lacks CPU features of the host where ${name} was started, for which QEMU has translated it: ${missing.join(', ')}`,
    hint: `${hint}; or start it on the oldest one, from which it can move to all`,
  };
}

async function refuseEmulator(
  name: string,
  { emulator }: CodeFacts,
  { name: host, env }: ThisHost,
): Promise<Refusal | undefined> {
  try {
    if ((await emulatorDigest(await findEmulator(env, host))) === emulator) return undefined;
    return {
      message: `the emulator of ${host} is not the one that ${name} runs by`,
      hint: 'install the same version of it on both hosts',
    };
  } catch (error) {
    if (!(error instanceof CmigError)) throw error;
    return { message: error.message, hint: error.hint ?? '' };
  }
}

/** @throws CmigError `unsupported` where this host's CPU does not have the level, or there is no emulator that is asked for */
export async function refuseBaseline(manifest: ApplicationManifest, { name, env }: ThisHost): Promise<void> {
  const { cpu } = manifest.spec;
  if (!cpu) return;
  if (arch() !== 'x64')
    throw new CmigError('unsupported', `${name} is ${arch()}, and has no level such as ${cpu.baseline}`, {
      hint: 'leave spec.cpu away',
    });
  if (cpu.emulated) await findEmulator(env, name);
  const refusal = baselineRefusal(manifest, name, await readInstructions());
  if (refusal)
    throw new CmigError('unsupported', refusal.message, {
      hint: `${refusal.hint}, or choose a lower baseline`,
    });
}
