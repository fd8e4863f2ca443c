// `cmig describe`.
import type { Host } from '../../contract/host.ts';
import { CmigError } from '../../core/errors.ts';
import { findCheckpoint } from '../../orchestrator/checkpoints.ts';
import { withClock } from '../../orchestrator/host-clock.ts';
import {
  findApplication,
  findHost,
  findImage,
  type Inventory,
  readInventory,
} from '../../orchestrator/inventory.ts';
import { findMigration } from '../../orchestrator/migration/resolve.ts';
import { readRecentEvents } from '../../orchestrator/recent-events.ts';
import { type Field, layOutDescription } from '../../view/description.ts';
import { eventColumns, eventSubjects } from '../../view/event-text.ts';
import { describeHolders } from '../../view/kinds/image.ts';
import type { KindView, Resource } from '../../view/kinds/kind-view.ts';
import { type KindPlural, kindViews } from '../../view/kinds.ts';
import { renderDocument } from '../../view/resource-output.ts';
import { parseResourceWords } from '../../view/resource-words.ts';
import { layOutTable } from '../../view/table.ts';
import type { Invocation } from '../command.ts';
import { warnOfInventory } from '../inventory-warnings.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const name = invocation.text('NAME');
  const requests = parseResourceWords(invocation.required('KIND'), name === undefined ? [] : [name]);
  const [request] = requests;
  const [wanted] = request?.names ?? [];
  if (requests.length !== 1 || !request || wanted === undefined || request.names!.length > 1) {
    throw new CmigError('invalid', 'describe needs one kind and one name', {
      hint: 'such as: cmig describe app shop',
    });
  }
  await withOrchestrator(invocation, async (session) => {
    const { plural } = request;
    const parts: KindPlural[] = plural === 'hosts' ? ['hosts', 'applications'] : [plural];
    const inventory = await readInventory(session, { parts });
    const found = find(inventory, plural, wanted);
    const item = plural === 'hosts' ? await withClock(session, found as Host) : found;
    if (invocation.output === 'json' || invocation.output === 'yaml') {
      invocation.stdout.write(await renderDocument(item, invocation.output));
      return;
    }
    const subject = `${kindViews[plural].singular}/${wanted}`;
    const events = await readRecentEvents(session, {
      matches: (event) => eventSubjects(event).includes(subject),
    });
    const view = kindViews[plural] as unknown as KindView<Resource>;
    const fields: Field[] = [...view.describe(item)];
    if (plural === 'images') fields.push(describeHolders(imagesNamed(inventory, wanted)));
    if (plural === 'hosts') fields.push(['Running here', runningOn(inventory, wanted)]);
    const lines = layOutDescription(fields);
    lines.push('Events:', ...layOutTable(eventColumns, events).lines.map((line) => `  ${line}`));
    if (events.length === 0) lines.splice(-2, 2, 'Events:   <none>');
    for (const line of lines) invocation.print(line);
    warnOfInventory(invocation, inventory);
  });
}

const imagesNamed = ({ images }: Inventory, name: string) =>
  images.filter(({ metadata }) => metadata.name === name);

const runningOn = ({ applications }: Inventory, host: string): string[] =>
  applications
    .filter(({ status }) => status.host === host)
    .map(({ metadata, status }) => `${metadata.name} (${status.phase}, ${status.address})`);

function find(inventory: Inventory, plural: KindPlural, name: string): Resource {
  if (plural === 'applications') return findApplication(inventory, name);
  if (plural === 'hosts') return findHost(inventory, name);
  if (plural === 'checkpoints') return findCheckpoint(inventory, name)[0]!;
  if (plural === 'images') return findImage(inventory, name);
  return findMigration(inventory, name);
}
