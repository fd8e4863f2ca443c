// `cmig image prune`.
import { imageName } from '../../contract/image.ts';
import { type PrunedHost, pruneImages } from '../../orchestrator/pruning.ts';
import { formatBytes, formatCount } from '../../view/formats.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function prune(invocation: Invocation): Promise<void> {
  const dryRun = invocation.flag('dry-run');
  const { hosts, here, failures } = await withOrchestrator(invocation, (session) =>
    pruneImages(session, invocation.texts('HOST'), dryRun),
  );
  if (invocation.output === 'json') {
    const items = hosts.map((host) => ({ ...host, freedBytes: freedBytes(host) }));
    invocation.printJson({ dryRun, hosts: items, here });
  } else {
    for (const host of hosts) for (const line of linesOf(host, dryRun)) invocation.print(line);
    if (here.images > 0)
      invocation.print(`here: ${removed(dryRun)} ${countAndSize(here.images, here.bytes)} fetched`);
  }
  const [first, ...others] = failures;
  for (const { message } of others) invocation.notice(`warning: ${message}`);
  if (first) throw first;
}

const removed = (dryRun: boolean): string => (dryRun ? 'would remove' : 'removed');
/** Layers are what takes room; an image is a list of them. */
const freedBytes = ({ layers }: PrunedHost): number =>
  layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
const countAndSize = (count: number, bytes: number): string =>
  `${formatCount(count, 'image')}, ${formatBytes(bytes)},`;

function linesOf(pruned: PrunedHost, dryRun: boolean): string[] {
  const { host, kept } = pruned;
  const named = pruned.removed.map(
    ({ digest, sizeBytes }) => `  ${imageName(digest)}  ${formatBytes(sizeBytes)}`,
  );
  const { layers } = pruned;
  const freed = dryRun ? 'would free' : 'freed';
  const total = `${formatCount(named.length, 'image')}; ${freed} ${formatBytes(freedBytes(pruned))} in ${formatCount(layers.length, 'layer')}`;
  return [
    `${host}: ${named.length + layers.length === 0 ? 'every image is used' : `${removed(dryRun)} ${total}`}`,
    ...named,
    ...(kept.length > 0 ? [`  kept ${formatCount(kept.length, 'image')} that are about to be used`] : []),
  ];
}
