/**
 * A rehearsal whose door to commands goes bad at a chosen command, or whose API server goes away at a chosen moment, and
 * everything that must be true of its end: used by the tests with chosen moments, by the soak with random ones.
 */
import type { Event } from '../../../src/events/events.ts';
import { createEventStream } from '../../../src/events/stream.ts';
import { CommandNotFound, type CommandResult, type Host } from '../../../src/host/host.ts';
import type { Provider } from '../../../src/provider/provider.ts';
import { createTwinProvider } from '../../../src/provider/twin.ts';
import { MOST_STDOUT } from '../../../src/rehearsal/guarded-host.ts';
import { runRehearsal } from '../../../src/rehearsal/run.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { MemoryDirectory } from '../../evidence/rig.ts';
import { loseApi } from '../breaks/broken-rehearsal.ts';
import { badReport } from './cancelled-run.ts';

export const MISDEEDS = ['hangs', 'floods', 'dies', 'babbles', 'fails', 'is gone', 'has lost its daemon'] as const;
export type Misdeed = (typeof MISDEEDS)[number];

export interface BrokenRunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly host?: {
    /** Number of the command, from 0, in the order in which they are run. */
    readonly at: number;
    readonly misdeed: Misdeed;
    /** Every later command does the same; else only this one. */
    readonly lasting: boolean;
  };
  /** Nobody gets an answer of any API server any more, from this long after this event. */
  readonly api?: { readonly seq: number; readonly afterMs: number };
}

export interface BrokenRun {
  readonly events: readonly Event[];
  /** Every command that was run, as words. */
  readonly commands: readonly string[];
  readonly files: ReadonlyMap<string, string>;
  /** What is not as it must be, in words; empty: a good end. */
  readonly problems: readonly string[];
}

const FLOOD = 'x'.repeat(MOST_STDOUT + 1);
const NO_DAEMON = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';

function misbehave(misdeed: Misdeed, command: string): Promise<CommandResult> {
  const answer = (exitCode: number, stdout: string, stderr: string) => Promise.resolve({ exitCode, stdout, stderr });
  switch (misdeed) {
    case 'hangs':
      return new Promise(() => undefined);
    case 'floods':
      return answer(0, FLOOD, '');
    case 'dies':
      return answer(137, '', '');
    case 'babbles':
      return answer(0, '\u0000\u001b[31m\ufffd{]\n', '\u0007');
    case 'fails':
      return answer(1, '', 'Error: something is wrong\n');
    case 'is gone':
      return Promise.reject(new CommandNotFound(command));
    case 'has lost its daemon':
      return answer(1, '', NO_DAEMON);
  }
}

/** Misdeeds that say by themselves that our own tools are broken; they must never be taken for the migration's doing. */
const OF_THE_TOOLS: ReadonlySet<Misdeed> = new Set(['hangs', 'floods', 'is gone', 'has lost its daemon']);

export async function brokenRun(options: BrokenRunOptions): Promise<BrokenRun> {
  const { scenario, seed, host: bad, api } = options;
  const twin = createTwinProvider({ scenario, seed });
  const { clock } = twin.twin;
  const commands: string[] = [];
  let bent = false;
  const host: Host = {
    run: (command, args, runOptions) => {
      const number = commands.length;
      commands.push([command, ...args].join(' '));
      if (!bad || (bad.lasting ? number < bad.at : number !== bad.at)) return twin.host.run(command, args, runOptions);
      bent = true;
      return misbehave(bad.misdeed, command);
    },
  };
  const provider: Provider = { ...twin, host };
  const events: Event[] = [];
  let apiLost = false;
  const stream = createEventStream({
    now: () => clock.now(),
    sinks: [
      (event) => {
        events.push(event);
        if (event.seq !== api?.seq) return;
        apiLost = true;
        clock.after(api.afterMs, () => loseApi(twin.twin));
      },
    ],
  });
  const directory = new MemoryDirectory();
  const warnings: string[] = [];
  const clusters = await provider.run(async () => {
    await runRehearsal({
      ...{ scenario, seed, provider, emit: stream.emit, evidence: directory, keep: 'never' },
      signal: new AbortController().signal,
      tool: { name: 'cni-rehearsal', version: '0.0.0' },
      warn: (message) => warnings.push(message),
    });
    return (await twin.host.run('kind', ['get', 'clusters'], { timeoutMs: 1_000 })).stdout.trim();
  });
  await provider.close();
  const problems = stream.troubles.map(({ message }) => message);
  const expect = (good: boolean, problem: string): void => {
    if (!good) problems.push(problem);
  };
  const { operations, watches, waits } = clock.underWay();
  expect(operations + watches + waits === 0, `left behind: ${JSON.stringify({ operations, watches, waits })}`);

  const end = events.at(-1);
  if (end?.type !== 'verdict')
    return { events, commands, files: directory.files, problems: [...problems, 'no verdict'] };
  const told = `${end.verdict} (${end.reason}): ${end.message}`;
  if (!bent && !apiLost) expect(end.verdict === 'passed', `nothing was broken, and it ended ${told}`);
  // The cause decides: broken tools are an error, an API that is away is that of its moment.
  const verdicts = bad && OF_THE_TOOLS.has(bad.misdeed) && bad.lasting ? ['error'] : ['error', 'failed', 'passed'];
  if (bent) expect(verdicts.includes(end.verdict), `${bad?.misdeed}: ${told}`);
  expect(end.verdict === 'passed' || end.message.trim() !== '', 'a verdict without a message');
  expect(end.message.length < 4_000, `a message of ${end.message.length} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there.
  expect(!/[\u0000-\u0009\u000b-\u001f\u007f]/.test(end.message), 'control characters in the message');
  problems.push(...badReport(events), ...badEvidence(events, directory.files));
  // `kind delete` that says that all is well and has done nothing cannot be told from one that has.
  const lied = bad?.misdeed === 'babbles' || bad?.misdeed === 'floods';
  expect(
    clusters === '' ||
      lied ||
      warnings.some((warning) => warning.includes(`kind delete cluster --name ${scenario.cluster.name}`)),
    `the cluster is there (${clusters}), and nobody is told: ${warnings.join('; ')}`,
  );
  return { events, commands, files: directory.files, problems };
}

/** A run that did not pass has evidence, or says why not, for as long as there was a cluster. */
function badEvidence(events: readonly Event[], files: ReadonlyMap<string, string>): string[] {
  const end = events.at(-1);
  if (end?.type !== 'verdict' || end.verdict === 'passed')
    return files.size === 0 ? [] : ['evidence of a run that passed'];
  const made = events.some((event) => event.type === 'phase-started' && event.phase === 'provision');
  if (!made) return files.size === 0 ? [] : ['evidence of no cluster'];
  const problems: string[] = [];
  const readme = files.get('README.md');
  if (readme === undefined) problems.push('no README.md in the evidence');
  const told = events.findLast((event) => event.type === 'evidence' && event.file === 'README.md');
  if (told?.type !== 'evidence' || told.content !== readme) problems.push('the events tell other evidence');
  const index = JSON.parse(files.get('index.json') ?? '{}') as { files?: { file: string }[]; missing?: unknown[] };
  const listed = new Set(['README.md', 'index.json', ...(index.files ?? []).map(({ file }) => file)]);
  for (const name of files.keys()) if (!listed.has(name)) problems.push(`${name} is not in the index`);
  if ((index.files ?? []).length + (index.missing ?? []).length === 0) problems.push('the index is empty');
  return problems;
}
