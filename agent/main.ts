// cmig-agent --config FILE: starts the agent, ends it on a signal, and prints why it could not be started.
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { CmigError } from '../src/core/errors.ts';
import { exitCodes } from '../src/core/exit-codes.ts';
import { version } from '../src/core/version.ts';
import { startAgent } from './agent.ts';
import { readAgentConfig } from './config.ts';

const usage = `usage: cmig-agent [--config FILE]

Runs the containers of this host and moves them to others. FILE is /etc/cmig/agent.yaml if not given.
`;

async function main(): Promise<void> {
  const { values } = parseArguments();
  if (values.help) return void process.stdout.write(usage);
  if (values.version) return void process.stdout.write(`${version}\n`);
  const config = await readAgentConfig(values.config ?? '/etc/cmig/agent.yaml');
  const log = pino({
    level: config.logLevel ?? 'info',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  // Containers must not lose their agent to one forgotten promise.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled'));
  const agent = await startAgent(config, log);
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: the agent ends`);
    agent.stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, 'the agent did not end well');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function parseArguments() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string', short: 'c' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new CmigError('invalid', (cause as Error).message, { hint: 'see cmig-agent --help', cause });
  }
}

main().catch((error: unknown) => {
  const lines = [`cmig-agent: ${error instanceof Error ? error.message : String(error)}`];
  if (error instanceof CmigError) {
    for (const problem of error.problems ?? []) lines.push(`  ${problem.where ?? ''}: ${problem.message}`);
    if (error.hint) lines.push(`  ${error.hint}`);
    if (error.cause instanceof Error) lines.push(`  cause: ${error.cause.message}`);
  } else if (error instanceof Error && error.stack) {
    lines.push(error.stack);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(error instanceof CmigError ? exitCodes[error.code] : 1);
});
