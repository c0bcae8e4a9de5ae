/** Commands that hang, flood, babble, die or lie: the run ends with a verdict that names the command, and small events. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/events/events.ts';
import { createEventStream } from '../../../src/events/stream.ts';
import { type CommandOptions, type CommandResult, CommandTimedOut, type Host } from '../../../src/host/host.ts';
import type { Provider } from '../../../src/provider/provider.ts';
import { createTwinProvider } from '../../../src/provider/twin.ts';
import { GRACE_MS, guardedHost, MOST_STDERR, MOST_STDOUT } from '../../../src/rehearsal/guarded-host.ts';
import { Cancelled } from '../../../src/rehearsal/outcome.ts';
import { runRehearsal, type VerdictEvent } from '../../../src/rehearsal/run.ts';
import { VirtualClock } from '../../../src/time/virtual-clock.ts';
import { bundledScenario } from '../../e2e/rehearse.ts';

/** What a command does instead of its work. */
type Misdeed = (options: CommandOptions) => Promise<CommandResult>;

const never: Misdeed = () => new Promise(() => undefined);
const answer =
  (exitCode: number, stdout: string, stderr: string): Misdeed =>
  () =>
    Promise.resolve({ exitCode, stdout, stderr });
const cannotStart: Misdeed = () =>
  Promise.reject(Object.assign(new Error('spawn helm EMFILE'), { code: 'EMFILE', syscall: 'spawn helm' }));

interface Outcome {
  readonly verdict: VerdictEvent;
  readonly events: readonly Event[];
  readonly bytes: number;
}

/** `minimal` up to `secondary-installed` where every command that begins with `words` does something else. */
async function withMisdeed(words: string, misdeed: Misdeed, cancelAfterMs?: number): Promise<Outcome> {
  const scenario = bundledScenario('minimal');
  const twin = createTwinProvider({ scenario, seed: 1 });
  const controller = new AbortController();
  const host: Host = {
    run: (command, args, options) => {
      if (![command, ...args].join(' ').startsWith(words)) return twin.host.run(command, args, options);
      if (cancelAfterMs !== undefined) {
        twin.twin.clock.after(cancelAfterMs, () => twin.interrupt(() => controller.abort(new Cancelled('SIGINT'))));
      }
      return misdeed(options);
    },
  };
  const provider: Provider = { ...twin, host };
  const events: Event[] = [];
  let bytes = 0;
  const stream = createEventStream({
    now: () => twin.clock.now(),
    sinks: [
      (event, line) => {
        events.push(event);
        bytes += line.length;
      },
    ],
  });
  const verdict = await twin.run(() =>
    runRehearsal({
      scenario,
      seed: 1,
      provider,
      emit: stream.emit,
      signal: controller.signal,
      until: 'secondary-installed',
      keep: 'never',
      tool: { name: 'cni-rehearsal', version: '0.0.0' },
    }),
  );
  await twin.close();
  expect(twin.twin.clock.underWay()).toEqual({ operations: 0, watches: 0, waits: 0 });
  return { verdict, events, bytes };
}

const CREATE = 'kind create cluster';
const HELM = 'helm upgrade';
const FLOOD = `${'x'.repeat(1024)}\n`.repeat(100 * 1024);
const BABBLE = Buffer.from([0xff, 0xfe, 0x00, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xc3, 0x28, 0x07, 0x0a]).toString();

describe.each<[string, string, Misdeed, Partial<VerdictEvent>, RegExp]>([
  ['kind never answers', CREATE, never, { verdict: 'error', reason: 'tool-failed' }, /kind did not end within 900 s/],
  ['helm never answers', HELM, never, { verdict: 'error', reason: 'tool-failed' }, /helm did not end within 600 s/],
  [
    'helm cannot be started',
    HELM,
    cannotStart,
    { verdict: 'error', reason: 'tool-failed' },
    /could not be run.*EMFILE/,
  ],
  [
    'kind is killed and says nothing',
    CREATE,
    answer(137, '', ''),
    { verdict: 'error', reason: 'provision-failed' },
    /exit code 137 \(ended by SIGKILL\) and said nothing/,
  ],
  [
    'kind says that all is well and has made nothing',
    CREATE,
    answer(0, 'Creating cluster "kind" ...', 'ERROR: failed to create cluster'),
    { verdict: 'error', reason: 'provision-failed' },
    /kind made no cluster that can be reached from here on its 127\.0\.0\.1/,
  ],
  [
    'helm floods its errors',
    HELM,
    answer(1, FLOOD.slice(0, 1024), `${FLOOD}Error: the reason stands at the end\n`),
    { verdict: 'error', reason: 'tool-failed' },
    /Error: the reason stands at the end$/,
  ],
  [
    'helm floods its output',
    HELM,
    answer(0, FLOOD, ''),
    { verdict: 'error', reason: 'tool-failed' },
    /answered with 100 MiB/,
  ],
  [
    'helm babbles',
    HELM,
    answer(1, BABBLE, BABBLE.repeat(100)),
    { verdict: 'error', reason: 'tool-failed' },
    /helm upgrade.*: exit code 1: /,
  ],
  [
    'helm has an error, and exit code 0',
    HELM,
    answer(0, '', 'Error: INSTALLATION FAILED'),
    { verdict: 'failed', failedCheckpoint: 'secondary-installed' },
    /cilium/i,
  ],
  [
    "the node's disk is full",
    HELM,
    answer(1, '', 'Error: write /tmp/x: no space left on device'),
    { verdict: 'error', reason: 'disk-full' },
    /no space left on device/,
  ],
])('%s', (_, words, misdeed, expected, message) => {
  test('ends the run with a verdict that says so', async () => {
    const { verdict, events, bytes } = await withMisdeed(words, misdeed);
    expect(verdict).toMatchObject(expected);
    expect(verdict.message).toMatch(message);
    expect(events.at(-1)).toMatchObject({ type: 'verdict', message: verdict.message });
    // What a command says is neither a log nor a weapon.
    expect(verdict.message.length).toBeLessThan(2_000);
    expect(bytes).toBeLessThan(100_000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there.
    expect(verdict.message).not.toMatch(/[\u0000-\u001f\u007f]/);
    expect(verdict.message.isWellFormed()).toBe(true);
  });
});

test.each([
  ['kind', CREATE],
  ['helm', HELM],
])('%s that never answers does not hold up a cancellation', async (_, words) => {
  const { verdict, events } = await withMisdeed(words, never, 5_000);
  expect(verdict).toMatchObject({ verdict: 'cancelled', reason: 'cancelled' });
  const began = events.findLast(({ type }) => type === 'step-started')!;
  expect(Date.parse(events.at(-1)!.at) - Date.parse(began.at)).toBeLessThan(5_000 + 2 * GRACE_MS);
});

describe('the guard', () => {
  const hostThat = (misdeed: Misdeed): Host => ({ run: (_command, _args, options) => misdeed(options) });
  const run = <T>(main: (clock: VirtualClock) => Promise<T>): Promise<T> => {
    const clock = new VirtualClock({ epoch: 0 });
    return clock.run(() => main(clock)).finally(() => expect(clock.underWay().waits).toBe(0));
  };

  test('leaves a host that keeps its own limit alone', async () => {
    await run(async (clock) => {
      const host: Host = {
        run: async (command, _args, { timeoutMs }) => {
          await clock.sleep(timeoutMs);
          throw new CommandTimedOut(command, timeoutMs);
        },
      };
      await expect(guardedHost(host, clock).run('helm', [], { timeoutMs: 1_000 })).rejects.toThrow(CommandTimedOut);
      expect(clock.now()).toBe(1_000);
    });
  });

  test('gives an aborted command its grace, and no more', async () => {
    await run(async (clock) => {
      const controller = new AbortController();
      clock.after(1_000, () => controller.abort(new Cancelled('SIGINT')));
      const running = guardedHost(hostThat(never), clock).run('kind', [], {
        timeoutMs: 60_000,
        signal: controller.signal,
      });
      await expect(running).rejects.toThrow('cancelled by SIGINT');
      expect(clock.now()).toBe(1_000 + GRACE_MS);
    });
  });

  test('keeps the end of errors, and no answer beyond its bound', async () => {
    await run(async (clock) => {
      const ask = (stdout: string, stderr: string): Promise<CommandResult> =>
        guardedHost(hostThat(answer(0, stdout, stderr)), clock).run('docker', ['exec'], { timeoutMs: 1_000 });
      expect((await ask('', `${'x'.repeat(MOST_STDERR)}end`)).stderr).toMatch(/^x+end$/);
      expect((await ask('', `${'x'.repeat(MOST_STDERR)}end`)).stderr).toHaveLength(MOST_STDERR);
      expect((await ask('x'.repeat(MOST_STDOUT), '')).stdout).toHaveLength(MOST_STDOUT);
      await expect(ask('x'.repeat(MOST_STDOUT + 1), '')).rejects.toThrow('docker answered with 32 MiB, more than');
    });
  });
});
