/** `rehearse serve`: the embedded cluster for kubectl, stopped at any checkpoint of the migration. */
import { randomBytes } from 'node:crypto';
import { createEventStream } from '../events/stream.ts';
import { EXIT_CODES } from '../events/verdict.ts';
import type { TwinProvider } from '../provider/twin.ts';
import type { ServedTwin } from '../provider/twin-served.ts';
import { Cancelled } from '../rehearsal/outcome.ts';
import { planFor } from '../rehearsal/plan.ts';
import type { Rehearsal } from '../rehearsal/rehearsal.ts';
import type { VerdictEvent } from '../rehearsal/run.ts';
import { assertTwinData } from '../scenario/read.ts';
import { knownCheckpoint } from '../session/expectation.ts';
import { RunProblem } from '../session/problem.ts';
import { unforeseen } from '../session/unforeseen.ts';
import { tool } from '../session/version.ts';
import { WallClock } from '../time/wall-clock.ts';
import { type Arguments, type Flags, numberFlag, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { onSignals } from './interruption.ts';
import { type KubeconfigFile, refuseForeign, writeKubeconfig } from './kubeconfig-file.ts';
import type { Output } from './output.ts';
import { progressOf } from './progress.ts';
import { SCENARIO_FLAGS, type ScenarioArgument, scenarioArgument } from './scenario-argument.ts';
import { commandLine, UsageError } from './usage.ts';

const FLAGS: Flags = {
  ...SCENARIO_FLAGS,
  at: { kind: 'value', value: 'CHECKPOINT', help: 'Rehearse up to this checkpoint first (default baseline).' },
  port: { kind: 'value', value: 'N', help: 'Port of the API server on 127.0.0.1 (default: any free one).' },
  speed: { kind: 'value', value: 'X', help: 'Seconds that pass in the cluster while one passes here (default 1).' },
  kubeconfig: {
    kind: 'value',
    value: 'FILE',
    help: 'Where the kubeconfig goes (default: a new file among the temporary ones); removed at the end.',
  },
  quiet: { kind: 'boolean', help: 'Print only failures and where the cluster is.' },
  verbose: { kind: 'boolean', help: 'Print every step, object and assertion on the way to the checkpoint.' },
};

const MOST_SPEED = 1_000;

export const serve: Command = {
  name: 'serve',
  usage: 'serve [SCENARIO] [--at CHECKPOINT] [--port N] [--speed X] [--kubeconfig FILE]',
  summary: 'Open the embedded cluster to kubectl, at any checkpoint of the migration.',
  details: [
    'Rehearses to the checkpoint in jumping time, then lets time go at the wall’s pace and answers on loopback: the',
    'Kubernetes API, and the NodePorts 32042 and 32043 of the probes. Prints one line KUBECONFIG=PATH on stdout:',
    '  rehearse serve --at secondary-installed',
    '  KUBECONFIG=… kubectl get nodes -o wide',
    'Ctrl-C ends it; nothing of the cluster outlives the process.',
  ].join('\n'),
  flags: FLAGS,
  run: async (words, output) => {
    const args = parseArguments('serve', words, FLAGS, 1);
    const given = scenarioArgument(args, 'serve');
    if (given.provider !== 'twin') {
      throw new UsageError('serve opens the embedded cluster: --provider twin is the only one', 'serve');
    }
    assertTwinData(given.scenario, given.shown);
    return serveAt(given, serveOptions(args, given), output);
  },
};

interface ServeFlags {
  readonly at: string;
  readonly port: number;
  readonly speed: number;
  readonly kubeconfig: string | undefined;
  readonly mode: 'quiet' | 'normal' | 'verbose';
}

function serveOptions(args: Arguments, { scenario, seed }: ScenarioArgument): ServeFlags {
  if (args.has('quiet') && args.has('verbose'))
    throw new UsageError('--quiet and --verbose exclude each other', 'serve');
  const checkpoints = planFor(scenario, seed).checkpoints.map(({ id }) => id);
  const kubeconfig = args.value('kubeconfig');
  if (kubeconfig !== undefined) refuseForeign(kubeconfig);
  return {
    at: knownCheckpoint('at', args.value('at') ?? 'baseline', checkpoints, commandLine('serve')),
    port: numberFlag(args, 'port', 'serve', 0, 65_535) ?? 0,
    speed: speedOf(args.value('speed')),
    kubeconfig,
    mode: args.has('quiet') ? 'quiet' : args.has('verbose') ? 'verbose' : 'normal',
  };
}

/** @throws UsageError */
function speedOf(text: string | undefined): number {
  if (text === undefined) return 1;
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (speed > 0 && speed <= MOST_SPEED) return speed;
  throw new UsageError(`--speed ${text}: a number above 0, at most ${MOST_SPEED}, is wanted, such as 1 or 10`, 'serve');
}

/** Virtual milliseconds that a rehearsal of so many nodes takes at most on the way to its last checkpoint. */
const longestWay = (nodes: number): number => (60 + 10 * nodes) * 60_000;

async function serveAt(given: ScenarioArgument, options: ServeFlags, output: Output): Promise<number> {
  const { scenario, seed, at, faults } = given;
  const [{ createTwinProvider }, { serveTwin }, { runRehearsal }] = await Promise.all([
    import('../provider/twin.ts'),
    import('../provider/twin-served.ts'),
    import('../rehearsal/run.ts'),
  ]);
  const wall = new WallClock();
  // Ages that kubectl shows count from this machine's clock: the cluster's time meets it when the checkpoint is reached.
  const nodes = planFor(scenario, seed).nodes.length;
  const provider = createTwinProvider({ scenario, seed, epoch: wall.now() - longestWay(nodes), forOnlookers: true });
  const progress = progressOf(output, { mode: options.mode, directory: null });
  const cancel = new AbortController();
  const stop = new AbortController();
  let served = false;
  using _signals = onSignals(
    (signal) => {
      if (!served) provider.interrupt(() => cancel.abort(new Cancelled(signal)));
      stop.abort(new Cancelled(signal));
    },
    () => process.exit(EXIT_CODES.cancelled),
    () => wall.monotonic(),
  );
  const stream = createEventStream({ now: () => provider.clock.now(), sinks: [progress.take] });
  let verdict: VerdictEvent;
  try {
    verdict = await provider.run(() =>
      runRehearsal({
        scenario,
        at,
        seed,
        provider,
        faults,
        emit: (event) => {
          // The run is over for the user when the cluster is open; that it "passed" is no news.
          if (!served || event.type !== 'verdict') stream.emit(event);
        },
        signal: cancel.signal,
        until: options.at,
        keep: 'never',
        tool: tool(),
        whenStopped: async (rehearsal) => {
          served = true;
          progress.end();
          await open(rehearsal, provider, { ...options, signal: stop.signal, serveTwin }, output);
        },
      }),
    );
  } catch (error) {
    if (error instanceof RunProblem) throw error;
    verdict = unforeseen(error, true);
    output.message(`rehearse: ${verdict.message}\n`);
  } finally {
    await provider.close();
  }
  return served && verdict.verdict === 'passed' ? EXIT_CODES.passed : EXIT_CODES[verdict.verdict];
}

type Opening = ServeFlags & {
  readonly signal: AbortSignal;
  readonly serveTwin: typeof import('../provider/twin-served.ts').serveTwin;
};

/** Serves until the signal aborts. */
async function open(rehearsal: Rehearsal, provider: TwinProvider, options: Opening, output: Output): Promise<void> {
  const { port, speed, signal, serveTwin } = options;
  await rehearsal.observer.close();
  const wall = new WallClock();
  const behind = wall.now() - provider.clock.now();
  if (behind > 0) await provider.clock.sleep(behind, rehearsal.signal);
  const token = randomBytes(24).toString('base64url');
  let twin: ServedTwin;
  try {
    twin = await serveTwin(provider, { port, speed, token, signal });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunProblem('error', `--port ${port}: the API server cannot listen there (${why})`);
  }
  let kubeconfig: KubeconfigFile | undefined;
  try {
    kubeconfig = writeKubeconfig(options.kubeconfig, { url: twin.url, token });
    output.message(`rehearse: ${options.at} is reached; the cluster is at ${twin.url}. Ctrl-C ends it.\n`);
    for (const number of twin.ports.open) output.message(`  NodePort: http://127.0.0.1:${number}/\n`);
    for (const taken of twin.ports.taken) {
      output.message(`  NodePort ${taken.port} cannot be had here: ${taken.why}\n`);
    }
    output.result(`KUBECONFIG=${kubeconfig.path}\n`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    kubeconfig?.remove();
    await twin.close();
  }
}
