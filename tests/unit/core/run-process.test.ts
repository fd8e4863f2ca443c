// Programs that end well, badly, late or not at all.
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { waitFor } from '../../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../../src/core/run-process.ts';

const sh = (script: string): ['sh', string[]] => ['sh', ['-c', script]];

describe('runProcess', () => {
  it('answers with what was written, as it was written', async () => {
    const result = await runProcess(...sh('printf "  out ä\\n\\n"; echo err >&2'));
    expect(result).toEqual({ stdout: '  out ä\n\n', stderr: 'err\n', exitCode: 0 });
  });

  it('gives each argument as it is: no shell sees it', async () => {
    const words = ['$(id)', 'a b', '', '*', '; true', "'", '-n'];
    const { stdout } = await runProcess('printf', ['%s\\n', ...words]);
    expect(stdout).toBe(`${words.join('\n')}\n`);
    await expect(runProcess('echo', ['a\0b'])).rejects.toMatchObject({ code: 'invalid' });
  });

  it('feeds its input, also to who does not read it, and none if there is none', async () => {
    expect(await runProcess('cat', [], { input: 'text' })).toMatchObject({ stdout: 'text' });
    expect(await runProcess('cat', [], { input: new Uint8Array([104, 105]) })).toMatchObject({
      stdout: 'hi',
    });
    expect(await runProcess('true', [], { input: 'x'.repeat(1e6) })).toMatchObject({ exitCode: 0 });
    expect(await runProcess('cat', [])).toMatchObject({ stdout: '' });
  });

  it('adds to the environment and runs in the folder that is given', async () => {
    const { stdout } = await runProcess(...sh('echo "$X $PWD"; test -n "$PATH"'), {
      env: { X: 'x' },
      cwd: '/',
    });
    expect(stdout).toBe('x /\n');
  });

  it('says how a program failed: its arguments, exit code and last words', async () => {
    await expect(runProcess(...sh('seq 1 20 >&2; echo out; exit 3'))).rejects.toMatchObject({
      code: 'tool-failed',
      message: 'sh failed with exit code 3: 20',
      tool: {
        argv: ['sh', '-c', 'seq 1 20 >&2; echo out; exit 3'],
        exitCode: 3,
        output: ['9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20'],
      },
    });
    await expect(runProcess(...sh('echo out; exit 1'))).rejects.toMatchObject({ tool: { output: ['out'] } });
    expect(await runProcess(...sh('exit 3'), { allowedExitCodes: [0, 3] })).toMatchObject({ exitCode: 3 });
  });

  it('says which signal ended it', async () => {
    await expect(runProcess(...sh('kill -KILL $$'))).rejects.toMatchObject({
      code: 'tool-failed',
      message: 'sh was killed by SIGKILL',
      tool: { signal: 'SIGKILL' },
    });
  });

  it('says why it could not be started', async () => {
    await expect(runProcess('no-such-program', [])).rejects.toMatchObject({
      code: 'unsupported',
      message: 'the program no-such-program is not installed',
      hint: expect.stringContaining('PATH'),
    });
    await expect(runProcess('true', [], { cwd: '/no/such' })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('/no/such'),
    });
    await expect(runProcess('/etc/passwd', [])).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringMatching(/could not be started: .*EACCES/),
    });
  });

  it('ends what takes too long, by force if it does not listen', async () => {
    await expect(runProcess('sleep', ['60'], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
      message: 'sleep did not end within 0.05 s and was killed',
      tool: { signal: 'SIGTERM', timedOut: true },
    });
    const controller = new AbortController();
    const deaf = sh('trap "" TERM; echo deaf; while :; do sleep 0.05; done');
    // Not by a limit: it must have become deaf before.
    const options = { signal: controller.signal, onLine: () => controller.abort(), killAfterMs: 50 };
    await expect(runProcess(...deaf, options)).rejects.toMatchObject({
      code: 'cancelled',
      tool: { signal: 'SIGKILL' },
    });
  });

  it('ends what is cancelled, and does not start what already was', async () => {
    const controller = new AbortController();
    const running = runProcess(...sh('echo begun; exec sleep 60'), {
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(runProcess('true', [], { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('does not wait for who was left behind in the background, but for what it still writes', async () => {
    const script = 'sleep 60 >/dev/null & echo $!; (sleep 0.05; echo late) & sleep 60 & echo $!';
    const leaveBehind = async () => {
      const { stdout } = await runProcess(...sh(script), { timeoutMs: 50_000 });
      for (const pid of stdout.split('\n').map(Number)) if (pid) process.kill(pid);
      return stdout;
    };
    // On a busy machine what is still to be written may come later than it is waited for.
    const isWhole = async () => {
      const stdout = await leaveBehind();
      expect(stdout).toMatch(/^\d+\n(late\n)?\d+\n(late\n)?$/);
      return stdout.includes('late');
    };
    await waitFor(isWhole, { timeoutMs: 60_000, what: 'what was still written being waited for' });
  });

  it('tells each line as it comes, whole, and all of them before it ends', async () => {
    const lines: string[] = [];
    const script = String.raw`printf '\303'; sleep 0.1; printf '\244\nb\n50%%\r100%%\r'; printf last`;
    await runProcess(...sh(script), { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['ä', 'b', '50%', '100%', 'last']);
    const boom = () => {
      throw new Error('boom');
    };
    await expect(runProcess('echo', ['x'], { onLine: boom })).rejects.toThrow('boom');
  });

  it('hands output on, however slowly it is taken', async () => {
    let bytes = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Uint8Array, _encoding, done) {
        bytes += chunk.length;
        setTimeout(done, 20);
      },
    });
    const { stdout } = await runProcess('head', ['-c', '300000', '/dev/zero'], { stdout: slow });
    expect({ bytes, stdout }).toEqual({ bytes: 300_000, stdout: '' });
  });

  it('collects much output, and stops what has no end', async () => {
    const { stdout } = await runProcess('head', ['-c', '8000000', '/dev/zero']);
    expect(stdout).toHaveLength(8_000_000);
    await expect(runProcess('yes', ['x'.repeat(99)])).rejects.toMatchObject({
      code: 'tool-failed',
      message: 'yes wrote more than 64 MiB and was stopped',
    });
  });
});

describe('spawnProcess', () => {
  it('gives streams to what runs beside, and how it ended', async () => {
    const child = spawnProcess('cat', [], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin?.end('text');
    let text = '';
    for await (const chunk of child.stdout!) text += chunk;
    expect(text).toBe('text');
    expect(await child.ended).toEqual({ exitCode: 0 });
  });

  it('kills by signal', async () => {
    const child = spawnProcess('sleep', ['60']);
    expect(child.pid).toBeGreaterThan(0);
    child.kill('SIGINT');
    expect(await child.ended).toEqual({ signal: 'SIGINT' });
  });

  it('says at once that there is no such program', () => {
    expect(() => spawnProcess('no-such-program', [])).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });
});
