// Some time after its start the agent says what of its host is not well: in its log, and as an event.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../src/contract/diagnosis.ts';
import type { AgentContext } from '../context.ts';
import { readHostFacts } from '../migration/host-facts.ts';
import { writeFileDurably } from '../store/durable-file.ts';
import type { Diagnosis } from './diagnosis.ts';

/** First it serves: whoever waits for a host waits for that. */
const afterMs = 5000;

/** @returns what calls it off, where it has not begun yet */
export function reportAfterStart(diagnosis: Diagnosis, context: AgentContext): { stop(): void } {
  const timer = setTimeout(() => {
    report(diagnosis, context).catch((error) =>
      context.log.warn({ err: error }, 'this host could not be looked at'),
    );
  }, afterMs);
  timer.unref();
  return { stop: () => clearTimeout(timer) };
}

async function report(diagnosis: Diagnosis, { log, events, paths, programs }: AgentContext): Promise<void> {
  const passedFile = join(paths.dataDirectory, 'self-test-passed');
  // What has worked with this kernel and these programs goes on working: a restart is no reason to try again.
  const tried = JSON.stringify(await readHostFacts(programs));
  const passed = (await readFile(passedFile, 'utf8').catch(() => '')) === tried;
  const findings = await diagnosis.run({ selfTest: !passed });
  if (!passed && findings.some(({ check, level }) => check === 'criu' && level === 'ok'))
    await writeFileDurably(passedFile, tried);
  const ill = findings.filter(({ level }) => level !== 'ok');
  for (const finding of ill) write(finding);
  log.info({ checks: findings.length, ill: ill.length }, 'this host has looked at itself');
  events.publish('host.diagnosed', { findings: ill });

  function write({ level, check, message, command, hint }: Finding): void {
    const more = { check, ...(command ? { command } : {}), ...(hint ? { hint } : {}) };
    if (level === 'problem') log.error(more, message);
    else log.warn(more, message);
  }
}
