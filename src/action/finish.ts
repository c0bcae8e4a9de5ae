/** The post step: gathers what main could not, and deletes the cluster that it has left. Never red by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEvents } from '../events/reader.ts';
import { EVENTS_FILE } from '../events/writer.ts';
import type { Host } from '../host/host.ts';
import { writeReports } from '../report/files.ts';
import { storyOf } from '../report/model.ts';
import type { Story } from '../report/story.ts';
import { summaryMarkdown } from '../report/summary.ts';
import { verdictWord } from '../report/words.ts';
import { notWritten } from '../session/record.ts';
import type { Clock } from '../time/clock.ts';
import type { Environment } from './inputs.ts';
import { harmless } from './job-log.ts';
import { outputsOf } from './outcome.ts';
import type { Runner } from './runner.ts';
import { type ClusterState, clusterOf, readState, type State } from './state.ts';

/** May be called again: what is done is not done twice. */
export async function finish(env: Environment, runner: Runner): Promise<void> {
  const state = readState(env);
  let story: Story | undefined;
  try {
    story = storyOfMain(state);
  } catch (error) {
    runner.warn(`no report could be made of what the step has left: ${textOf(error)}`);
  }
  const told = state.told === 'true';
  const cluster = clusterOf(state);
  if (cluster) {
    const door = await doorOf(env);
    // A run that ended by itself has gathered its evidence; one that was cancelled is asked for none.
    try {
      if (!told && story?.report.verdict === 'interrupted') await gather(cluster, story, state, door, runner);
    } catch (error) {
      runner.warn(`evidence of the killed run could not be gathered: ${textOf(error)}`);
    }
    await clear(cluster, state, story, door, runner);
  }
  if (story && !told) await tellAgain(story, state, runner);
}

interface Door {
  readonly host: Host;
  readonly clock: Clock;
}

async function doorOf(environment: Environment): Promise<Door> {
  const [{ realHost }, { WallClock }] = await Promise.all([
    import('../host/real-host.ts'),
    import('../time/wall-clock.ts'),
  ]);
  const clock = new WallClock();
  return { clock, host: realHost({ clock, environment }) };
}

/** The run as far as its events tell it; undefined: it did not come so far. */
function storyOfMain({ directory }: State): Story | undefined {
  const events = join(directory, EVENTS_FILE);
  return directory !== '' && existsSync(events) ? storyOf(readEvents(events)) : undefined;
}

async function tellAgain(story: Story, { directory }: State, runner: Runner): Promise<void> {
  for (const sentence of notWritten(writeReports(story, directory).troubles)) runner.warn(sentence);
  for (const trouble of await runner.tell(outputsOf(story, directory), summaryMarkdown(story))) runner.warn(trouble);
  const { report } = story;
  runner.write(harmless(`${verdictWord(report)}: ${report.message}\n  reports: ${directory}\n`));
}

/** What the cluster still shows of a run that was killed. */
async function gather(
  { name, kubeconfig }: ClusterState,
  { report }: Story,
  { directory }: State,
  { host, clock }: Door,
  runner: Runner,
): Promise<void> {
  const [{ gatherEvidence }, { evidenceDirectory }, { createKubeApi }, { createHttpTransport }] = await Promise.all([
    import('../evidence/gather.ts'),
    import('../session/evidence-directory.ts'),
    import('../kube/client.ts'),
    import('../kube/http-transport.ts'),
  ]);
  const transport = await createHttpTransport({ kubeconfig }).catch(() => null);
  const named = (role: string): string[] => report.nodes.filter((node) => node.role === role).map((node) => node.name);
  try {
    const { entries, missing } = await gatherEvidence({
      ...{ host, clock, cluster: name, headline: report.message },
      api: transport && createKubeApi({ clock, transport }),
      controlPlanes: named('control-plane'),
      workers: named('worker'),
      blamed: { nodes: [], text: '', nodeFailed: false },
      directory: evidenceDirectory(directory, true),
      extent: transport === null ? 'no-cluster' : 'full',
    });
    runner.write(`evidence of the killed run: ${entries.length} files, ${missing.length} pieces could not be had\n`);
  } finally {
    await transport?.close();
  }
}

async function clear(
  cluster: ClusterState,
  { keep }: State,
  story: Story | undefined,
  door: Door,
  runner: Runner,
): Promise<void> {
  const { clearCluster } = await import('./cluster.ts');
  const keeps = keep === 'always' || (keep === 'failed' && story?.report.verdict !== 'passed');
  const cleared = await clearCluster(cluster, keeps, door);
  const { name } = cluster;
  if (cleared.outcome === 'left') {
    runner.warn(`the cluster ${name} was not deleted: ${cleared.why}. To delete it: ${cleared.command}`);
  } else if (cleared.outcome === 'deleted') {
    runner.write(`the cluster ${name} was deleted\n`);
  } else if (cleared.outcome === 'kept') {
    runner.write(`the cluster ${name} is kept: kubectl --kubeconfig ${cluster.kubeconfig} get nodes\n`);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
