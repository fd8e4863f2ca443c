// What the README says of commands, exit codes and the agent's configuration is what the program does.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readAgentConfig } from '../../agent/config.ts';
import { Authority, writeCredentials } from '../../src/authority/authority.ts';
import { commands } from '../../src/cli/commands.ts';
import { createInvocation } from '../../src/cli/invocation.ts';
import { parseWords } from '../../src/cli/program.ts';
import { exitCodeMeanings } from '../../src/core/exit-codes.ts';

const root = join(import.meta.dirname, '../..');
const readme = await readFile(join(root, 'README.md'), 'utf8');

describe('the README', () => {
  it('begins with the two commands', () => {
    const shell = /```sh\n([\s\S]*?)```/.exec(readme)?.[1]?.split('\n') ?? [];
    expect(shell.slice(0, 2).map((line) => line.split('#')[0]?.trim())).toEqual([
      'scripts/demo.sh',
      'npm test',
    ]);
  });

  it('lists every command and exit code', () => {
    for (const { name, hidden } of commands)
      if (!hidden) expect(readme).toMatch(new RegExp(`^\\| .*cmig ${name}[ \`]`, 'm'));
    for (const code of Object.keys(exitCodeMeanings))
      expect(readme).toMatch(new RegExp(`^\\| ${code} \\| `, 'm'));
  });

  it('shows only calls that the command line accepts', () => {
    const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!);
    const calls = blocks
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith('cmig '))
      .map((line) => line.split(' #')[0]!.trim().split(/\s+/).slice(1));
    expect(calls.length).toBeGreaterThan(15);
    for (const words of calls) {
      const parsed = parseWords(words, commands);
      if (!('call' in parsed)) throw new Error(`no call: ${words.join(' ')}`);
      const { stdin, stdout, stderr } = process;
      const takeSignals = () => new AbortController().signal;
      createInvocation(parsed.call, { stdin, stdout, stderr, color: false, takeSignals });
    }
  });

  it("shows an agent's configuration that the agent accepts", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cmig-readme-'));
    const text = /```yaml\n(name: host-a[\s\S]*?)```/.exec(readme)![1]!;
    const authority = await Authority.create(join(folder, 'authority'));
    await writeCredentials(await authority.issue({ role: 'host', name: 'host-a' }), folder, 'host.host-a');
    await writeFile(
      join(folder, 'agent.yaml'),
      text.replaceAll(/\/etc\/cmig\/(?=host\.host-a\.|ca\.)/g, `${folder}/`),
    );
    const config = await readAgentConfig(join(folder, 'agent.yaml'));
    expect(config).toMatchObject({
      name: 'host-a',
      dataDirectory: '/var/lib/cmig',
      runDirectory: '/run/cmig',
      cgroupParent: '/cmig',
      tls: { ca: join(folder, 'ca.crt'), key: join(folder, 'host.host-a.key') },
    });
    await rm(folder, { recursive: true });
  });

  it('leads nowhere that is not there', async () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map((match) => match[1]!);
    const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(
      ([, heading = '']) =>
        `#${heading
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-')}`,
    );
    expect(anchors).toEqual(expect.arrayContaining(links.filter((link) => link.startsWith('#'))));
    for (const link of links.filter((each) => !each.startsWith('#')))
      await expect(readFile(join(root, link)).catch((error) => error.code)).resolves.not.toBe('ENOENT');
  });
});
