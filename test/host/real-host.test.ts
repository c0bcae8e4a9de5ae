/** The real Host with real processes: whatever a command does, it ends, and nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CommandNotFound, CommandOutputTooLong, CommandTimedOut } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { guardedHost } from '../../src/rehearsal/guarded-host.ts';
import { CommandUnusable } from '../../src/rehearsal/outcome.ts';
import type { Deadline } from '../../src/time/clock.ts';
import { startDeadline } from '../../src/time/deadline.ts';
import { WallClock } from '../../src/time/wall-clock.ts';
import { gone, isRunning, until } from './processes.ts';

const clock = new WallClock();
const host = realHost({ clock });
const LONG = { timeoutMs: 60_000 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-host-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const inDirectory = (name: string): string => path.join(directory, name);
const sh = (script: string, ...args: string[]): [string, string[]] => ['sh', ['-c', script, 'sh', ...args]];
/** The number that a script has written into a file. */
async function pidIn(name: string): Promise<number> {
  const file = inDirectory(name);
  await until(`${name} is written`, () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return Number(readFileSync(file, 'utf8'));
}

describe('the result', () => {
  test.each<[string, string, { exitCode: number; stdout: string; stderr: string }]>([
    ['success', 'echo out; echo err >&2', { exitCode: 0, stdout: 'out\n', stderr: 'err\n' }],
    ['an exit code', 'echo why >&2; exit 7', { exitCode: 7, stdout: '', stderr: 'why\n' }],
    ['ended by SIGTERM', 'kill -TERM $$', { exitCode: 143, stdout: '', stderr: '' }],
    ['ended by SIGKILL', 'echo x; kill -KILL $$', { exitCode: 137, stdout: 'x\n', stderr: '' }],
    ['characters of several bytes', "printf 'ä€😀'", { exitCode: 0, stdout: 'ä€😀', stderr: '' }],
    ['output closed early', 'exec >&- 2>&-; sleep 0.1; exit 3', { exitCode: 3, stdout: '', stderr: '' }],
    ['no standard input', 'cat; echo end', { exitCode: 0, stdout: 'end\n', stderr: '' }],
  ])('%s', async (_name, script, result) => {
    expect(await host.run(...sh(script), LONG)).toEqual(result);
  });

  test('arguments are no shell text', async () => {
    const args = ['$HOME', '`id`', 'a b', '', '*', "'", '"', ';', 'é'];
    const { stdout } = await host.run(
      'node',
      ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...args],
      LONG,
    );
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test('a large output arrives whole', async () => {
    const script = "process.stdout.write('0123456789abcdef'.repeat(1024 * 1024))";
    const { stdout } = await host.run('node', ['-e', script], LONG);
    expect(stdout.length).toBe(16 * 1024 * 1024);
    expect(stdout.endsWith('abcdef')).toBe(true);
  });
});

describe('standard input', () => {
  test('arrives whole', async () => {
    const text = 'ä line\n'.repeat(200_000);
    expect((await host.run('cat', [], { ...LONG, stdin: text })).stdout).toBe(text);
  });

  test('empty text is an empty input', async () => {
    expect(await host.run('cat', [], { ...LONG, stdin: '' })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['does not read', 'exit 4'],
    ['closes it', 'exec <&-; exit 4'],
    ['reads a little of it', 'head -c 10 >/dev/null; exit 4'],
  ])('a command that %s ends as it likes', async (_name, script) => {
    const stdin = 'x'.repeat(4 * 1024 * 1024);
    expect((await host.run(...sh(script), { ...LONG, stdin })).exitCode).toBe(4);
  });
});

describe('the environment', () => {
  test('is ours, with what is given beside it, in its place or taken away', async () => {
    process.env.REHEARSE_TEST_KEPT = 'kept';
    process.env.REHEARSE_TEST_TAKEN = 'here';
    try {
      const environment = { REHEARSE_TEST_TAKEN: undefined, REHEARSE_TEST_ADDED: 'added' };
      const script = 'echo "$REHEARSE_TEST_KEPT-$REHEARSE_TEST_TAKEN-$REHEARSE_TEST_ADDED"';
      const { stdout } = await realHost({ clock, environment }).run(...sh(script), LONG);
      expect(stdout).toBe('kept--added\n');
    } finally {
      delete process.env.REHEARSE_TEST_KEPT;
      delete process.env.REHEARSE_TEST_TAKEN;
    }
  });

  test('a PATH that is given is the one that is searched', async () => {
    writeFileSync(inDirectory('kind'), '#!/bin/sh\necho mine\n', { mode: 0o755 });
    const given = realHost({ clock, environment: { PATH: `${directory}:${process.env.PATH}` } });
    expect((await given.run('kind', [], LONG)).stdout).toBe('mine\n');
  });

  test('a path for a name goes before the PATH', async () => {
    writeFileSync(inDirectory('mine'), '#!/bin/sh\necho "mine $1"\n', { mode: 0o755 });
    const paths = new Map([['cat', inDirectory('mine')]]);
    expect((await realHost({ clock, paths }).run('cat', ['x'], LONG)).stdout).toBe('mine x\n');
  });
});

describe('what cannot be run', () => {
  test('is not there', async () => {
    const none = host.run('no-such-command-anywhere', ['x'], LONG);
    await expect(none).rejects.toThrow(new CommandNotFound('no-such-command-anywhere'));
  });

  test('is not where it was found', async () => {
    const paths = new Map([['kind', inDirectory('kind')]]);
    await expect(realHost({ clock, paths }).run('kind', [], LONG)).rejects.toThrow(new CommandNotFound('kind'));
  });

  test.each([
    ['is no program', 0o644, '#!/bin/sh\n', 'EACCES'],
    ['has no interpreter', 0o755, '#!/no/such/interpreter\n', 'ENOENT'],
  ])('%s: the error of the system, which the guard makes one sentence of', async (_name, mode, text, code) => {
    const file = inDirectory('tool');
    writeFileSync(file, text);
    chmodSync(file, mode);
    await expect(host.run(file, [], LONG)).rejects.toMatchObject({ code, syscall: `spawn ${file}` });
    await expect(guardedHost(host, clock).run(file, [], LONG)).rejects.toThrow(CommandUnusable);
  });

  test('has a NUL in an argument: refused, nothing started', async () => {
    await expect(host.run('cat', ['a\0b'], LONG)).rejects.toThrow(/null bytes/);
  });
});

describe('a time limit', () => {
  /** A host on which the limit is over when the test says so; all other times are the machine's. */
  function withLimit(graceMs?: number) {
    const limitMs = 1_500;
    // A command may be under way before its limit is.
    const set = Promise.withResolvers<() => void>();
    class Expiring extends WallClock {
      override deadline(ms: number, parent?: AbortSignal): Deadline {
        if (ms !== limitMs) return super.deadline(ms, parent);
        const after = (_ms: number, action: () => void): (() => void) => {
          set.resolve(action);
          return () => undefined;
        };
        return startDeadline({ now: () => 0, after }, ms, parent);
      }
    }
    const limited = realHost({ clock: new Expiring(), ...(graceMs === undefined ? {} : { graceMs }) });
    return {
      run: (script: string) => {
        const result = limited.run(...sh(script, directory), { timeoutMs: limitMs });
        // It is looked at after the processes were.
        result.catch(() => undefined);
        return result;
      },
      expire: async () => (await set.promise)(),
    };
  }

  test('ends the command and tells what it had said', async () => {
    const { run, expire } = withLimit();
    const result = run('echo waiting for the image >&2; echo "$$" >"$1/pid"; sleep 600');
    const pid = await pidIn('pid');
    await expire();
    await expect(result).rejects.toThrow('sh did not end within 1.5 s');
    await expect(result).rejects.toMatchObject({ name: 'CommandTimedOut', stderr: 'waiting for the image\n' });
    await gone(pid);
  });

  test('a command may tidy up before it ends', async () => {
    const { run, expire } = withLimit();
    const result = run(
      'trap \'echo tidied >"$1/tidied"; exit 0\' TERM; echo "$$" >"$1/pid"; while :; do sleep 0.05; done',
    );
    const pid = await pidIn('pid');
    await expire();
    await expect(result).rejects.toThrow(CommandTimedOut);
    expect(readFileSync(inDirectory('tidied'), 'utf8')).toBe('tidied\n');
    await gone(pid);
  });

  test('one that ignores SIGTERM is killed, with the children of its children', async () => {
    writeFileSync(inDirectory('2'), 'trap "" TERM; echo $$ >"$1/pid2"; while :; do sleep 1; done');
    writeFileSync(inDirectory('1'), 'trap "" TERM; sh "$1/2" "$1" & echo $$ >"$1/pid1"; while :; do sleep 1; done');
    const { run, expire } = withLimit(200);
    const result = run('trap "" TERM; sh "$1/1" "$1" & echo $$ >"$1/pid0"; while :; do sleep 1; done');
    const pids = [await pidIn('pid0'), await pidIn('pid1'), await pidIn('pid2')];
    await expire();
    await expect(result).rejects.toThrow(CommandTimedOut);
    for (const pid of pids) await gone(pid);
  });

  test('on the clock of the machine', async () => {
    await expect(host.run('sleep', ['600'], { timeoutMs: 100 })).rejects.toThrow('sleep did not end within 0.1 s');
  });
});

describe('an abort', () => {
  test('ends the command and rejects with its reason', async () => {
    const abort = new AbortController();
    const run = host.run(...sh('echo "$$" >"$1"; sleep 600', inDirectory('pid')), { ...LONG, signal: abort.signal });
    const pid = await pidIn('pid');
    const reason = new Error('cancelled by SIGINT');
    abort.abort(reason);
    await expect(run).rejects.toBe(reason);
    await gone(pid);
  });

  test('before it starts nothing is started', async () => {
    const reason = new Error('too late');
    const run = host.run(...sh('echo x >"$1"', inDirectory('started')), { ...LONG, signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(existsSync(inDirectory('started'))).toBe(false);
  });

  test('while input is on its way', async () => {
    const abort = new AbortController();
    const script = 'echo "$$" >"$1"; sleep 600';
    const stdin = 'x'.repeat(4 * 1024 * 1024);
    const run = host.run(...sh(script, inDirectory('pid')), { ...LONG, stdin, signal: abort.signal });
    const pid = await pidIn('pid');
    abort.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await gone(pid);
  });

  test('after the end changes nothing', async () => {
    const abort = new AbortController();
    const result = await host.run('true', [], { ...LONG, signal: abort.signal });
    abort.abort(new Error('late'));
    expect(result.exitCode).toBe(0);
  });
});

describe('floods', () => {
  test('of output end the command', async () => {
    const small = realHost({ clock, mostStdout: 1024 * 1024 });
    const run = small.run(...sh('echo "$$" >"$1"; exec yes', inDirectory('pid')), LONG);
    await expect(run).rejects.toThrow(CommandOutputTooLong);
    await expect(run).rejects.toThrow('sh wrote more than 1 MiB, more than any answer has, and was ended');
    await gone(await pidIn('pid'));
  });

  test('of output that end by themselves are floods all the same', async () => {
    const small = realHost({ clock, mostStdout: 10 });
    await expect(small.run('echo', ['more than ten'], LONG)).rejects.toThrow(CommandOutputTooLong);
    expect((await small.run('printf', ['%s', '1234567890'], LONG)).stdout).toBe('1234567890');
  });

  test('reach the rehearsal as a tool that cannot be used', async () => {
    const small = guardedHost(realHost({ clock, mostStdout: 1024 }), clock);
    await expect(small.run('yes', [], LONG)).rejects.toThrow(CommandUnusable);
  });

  test('of errors keep their end', async () => {
    const small = realHost({ clock, mostStderr: 1_000 });
    const script = 'for (let i = 1; i <= 300000; i++) process.stderr.write("line " + i + " ä\\n")';
    const { exitCode, stderr } = await small.run('node', ['-e', script], LONG);
    expect(exitCode).toBe(0);
    expect(stderr.endsWith('line 299999 ä\nline 300000 ä\n')).toBe(true);
    expect(Buffer.byteLength(stderr)).toBeLessThanOrEqual(1_000);
    expect(stderr).not.toContain('\ufffd');
  });
});

describe('what a command leaves running', () => {
  test('in its session is ended with it', async () => {
    const script = 'sleep 600 & echo $! >"$1"; echo done';
    const { stdout, exitCode } = await host.run(...sh(script, inDirectory('left')), LONG);
    expect({ stdout, exitCode }).toEqual({ stdout: 'done\n', exitCode: 0 });
    await gone(await pidIn('left'));
  });

  test('in its session without our pipes is ended with it', async () => {
    const script = 'sleep 600 </dev/null >/dev/null 2>&1 & echo $! >"$1"';
    await host.run(...sh(script, inDirectory('left')), LONG);
    await gone(await pidIn('left'));
  });

  test.skipIf(process.platform !== 'linux')('in another session with our pipes does not keep us', async () => {
    const script = 'setsid sleep 600 & echo $! >"$1"; echo done';
    const { stdout } = await host.run(...sh(script, inDirectory('left')), LONG);
    expect(stdout).toBe('done\n');
    const left = await pidIn('left');
    if (isRunning(left)) process.kill(left, 'SIGKILL');
  });
});

test.skipIf(process.platform !== 'linux')('each command leads a session of its own', async () => {
  const { stdout } = await host.run('cat', ['/proc/self/stat'], LONG);
  const [pid] = stdout.split(' ');
  const [, , group, session, terminal] = stdout.replace(/^.*\) /s, '').split(' ');
  expect({ group, session, terminal }).toEqual({ group: pid, session: pid, terminal: '0' });
});

describe('our own end', () => {
  const program = path.resolve(import.meta.dirname, 'host-program.ts');
  let parent: ChildProcess | undefined;
  afterEach(() => {
    if (parent?.pid !== undefined && parent.exitCode === null) parent.kill('SIGKILL');
  });
  const start = (mode: string): ChildProcess =>
    spawn(process.execPath, [program, mode, directory], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });

  test('Ctrl-C at the terminal reaches us and not the command', async () => {
    parent = start('interrupted');
    let said = '';
    parent.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const closed = once(parent, 'close');
    await pidIn('pid');
    // What a terminal does: the signal goes to everybody in the group in the foreground.
    process.kill(-parent.pid!, 'SIGINT');
    const [code] = await closed;
    expect({ said, code }).toEqual({ said: 'interrupted\n0 fine\n', code: 0 });
  });

  test.each(['exit', 'throw'])('%s: takes the commands along', async (mode) => {
    parent = start(mode);
    const ended = once(parent, 'exit');
    const pid = await pidIn('pid');
    await ended;
    await gone(pid);
  });
});

test('a symbolic link is followed', async () => {
  symlinkSync('/bin/sh', inDirectory('kind'));
  const paths = new Map([['kind', inDirectory('kind')]]);
  expect((await realHost({ clock, paths }).run('kind', ['-c', 'echo ok'], LONG)).stdout).toBe('ok\n');
});

test.skipIf(process.platform !== 'linux')('no file is left open, whichever way a command ends', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  const allWays = async (): Promise<void> => {
    await host.run('cat', [], { ...LONG, stdin: 'x' });
    await host.run('false', [], LONG);
    await host.run('true', [], { ...LONG, stdin: 'x'.repeat(1024 * 1024) });
    await host.run('no-such-command-anywhere', [], LONG).catch(() => undefined);
    await host.run('sleep', ['600'], { timeoutMs: 1 }).catch(() => undefined);
    await realHost({ clock, mostStdout: 10 })
      .run('yes', [], LONG)
      .catch(() => undefined);
    await host.run('true', [], { ...LONG, signal: abort.signal }).catch(() => undefined);
  };
  // Once, for what the runtime opens the first time.
  await allWays();
  const before = open();
  for (let i = 0; i < 10; i++) await allWays();
  await until('as many files are open as before', () => open() <= before);
});
