// Runs cells of the matrix on the lab, keeps what came of each, and draws the table.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { type EventSubscription, subscribeEvents } from '../../src/broker/events.ts';
import type { EventType } from '../../src/contract/events.ts';
import { labUp } from '../../src/lab/lab.ts';
import { cmigOk, hosts } from '../e2e/lab.ts';
import { artifacts, labName } from '../e2e/settings.ts';
import { application, containers, deployPair, program } from './application.ts';
import { type FaultName, faultNames, faults } from './faults.ts';
import { type FaultStep, faultSteps } from './moments.ts';
import { askInner, type CaseResult, nothingYet, runCase, type Subject } from './run-case.ts';

const types = [
  'migration.frozen',
  'migration.transferred',
  'migration.restored',
] as const satisfies EventType[];

const isFailed = ({ problems, outcome }: CaseResult): boolean => problems.length > 0 || outcome === 'missed';

export class Matrix {
  readonly results: CaseResult[] = [];
  readonly #connection: BrokerConnection;
  readonly #events: EventSubscription;
  readonly #subject: Subject;
  readonly #seen = new Map<string, Set<EventType>>();

  private constructor(connection: BrokerConnection, events: EventSubscription, address: string) {
    this.#connection = connection;
    this.#events = events;
    this.#subject = {
      ...{ lab: labName, hosts: hosts.slice(0, 2), application, containers: [...containers], program },
      ...{ address, seen: this.#seen },
    };
    void this.#listen();
  }

  /** The lab is up. Deploys the application, which must not be there. */
  static async open(): Promise<Matrix> {
    const { brokerUrl, credentialsFile } = await labUp({ name: labName });
    const [user = '', password = ''] = (await readFile(credentialsFile, 'utf8')).trim().split(':');
    const connection = await connectBroker({
      ...{ url: brokerUrl, credentials: { user, password }, insecure: true },
      ...{ name: 'fault matrix', reconnect: true },
    });
    const events = await subscribeEvents(connection, { types: [...types] });
    return new Matrix(connection, events, await deployPair(hosts[0]));
  }

  /** @throws where the cell shows a problem, or its fault never hit the step */
  async run(step: FaultStep, fault: FaultName, random = Math.random()): Promise<CaseResult> {
    const result = await this.#makeWhole()
      .then(() => runCase(this.#subject, step, fault, random))
      .catch((error) => ({ ...nothingYet(step, fault), problems: [String(error)] }));
    this.results.push(result);
    await this.#keep();
    const { outcome, problems, breaks, told, delayMs, settledMs, gapMs, tries, hit } = result;
    process.stderr.write(
      `${step} × ${fault} after ${delayMs} ms: ${outcome}, settled in ${settledMs} ms, gap ${gapMs} ms; ` +
        `${[told, ...breaks, ...(hit ? [`hit ${hit}`] : []), ...(tries > 1 ? [`try ${tries}`] : [])].join('; ')}\n`,
    );
    for (const problem of problems) process.stderr.write(`  ✗ ${problem}\n`);
    if (problems.length > 0) throw new Error(`${told}\n${problems.join('\n')}`);
    if (outcome === 'missed') throw new Error(`the fault never came while the migration was in ${step}`);
    return result;
  }

  /** Of what an earlier case has broken. */
  async #makeWhole(): Promise<void> {
    const inner = await askInner(this.#subject).catch(() => undefined);
    if (inner && !inner.broken && inner.connections === 1) return;
    await cmigOk('stop', application);
    await cmigOk('start', application);
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#connection.close();
    process.stderr.write(table(this.results));
  }

  /** After every case: a run that is ended early has been for something too. */
  async #keep(): Promise<void> {
    await mkdir(artifacts, { recursive: true });
    await writeFile(join(artifacts, 'faults.json'), `${JSON.stringify(this.results, undefined, 1)}\n`);
    await writeFile(join(artifacts, 'faults.md'), table(this.results));
  }

  async #listen(): Promise<void> {
    for await (const event of this.#events) {
      if (!('migration' in event.data)) continue;
      const id = event.data.migration as string;
      this.#seen.set(id, (this.#seen.get(id) ?? new Set()).add(event.type));
    }
  }
}

/**
 * A row a fault, a column a step: how often it was committed (✓) and rolled back (↩), and how long it took at most from
 * the mended fault to a clean end. ∗: connections were lost, or it began afresh, where that cannot be helped.
 */
export function table(results: readonly CaseResult[]): string {
  const shown = faultNames.filter((name) => results.some(({ fault }) => fault === name));
  const cell = (step: FaultStep, fault: FaultName): string => {
    const those = results.filter((each) => each.step === step && each.fault === fault);
    const hit = those.filter(({ outcome }) => outcome === 'committed' || outcome === 'rolled-back');
    const failed = those.filter(isFailed).length;
    const count = (outcome: string) => hit.filter((each) => each.outcome === outcome).length;
    const slowest = Math.max(...hit.map(({ settledMs }) => settledMs)) / 1000;
    const parts = [
      count('committed') ? `${count('committed')} ✓` : '',
      count('rolled-back') ? `${count('rolled-back')} ↩` : '',
      hit.some(({ breaks }) => breaks.length > 0) ? '∗' : '',
      failed ? `**${failed} ✗**` : '',
      hit.length > 0 ? `${slowest.toFixed(1)} s` : '',
    ].filter(Boolean);
    if (parts.length > 0) return parts.join(' ');
    return those.length > 0 ? '–' : '';
  };
  const rows = shown.map(
    (name) => `| ${faults[name].title} | ${faultSteps.map((step) => cell(step, name)).join(' | ')} |`,
  );
  return [
    `| | ${faultSteps.join(' | ')} |`,
    `| --- |${' --- |'.repeat(faultSteps.length)}`,
    ...rows,
    '',
  ].join('\n');
}
