/** The post step: gathers what main could not, and deletes the cluster that it has left. Never red by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEvents } from '../events/reader.ts';
import { EVENTS_FILE } from '../events/writer.ts';
import { writeReports } from '../report/files.ts';
import { storyOf } from '../report/model.ts';
import type { Story } from '../report/story.ts';
import { summaryMarkdown } from '../report/summary.ts';
import { verdictWord } from '../report/words.ts';
import { notWritten } from '../session/record.ts';
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
  const cluster = clusterOf(state);
  if (cluster) await clear(cluster, state, story, env, runner);
  if (story && state.told !== 'true') await tellAgain(story, state, runner);
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

async function clear(
  cluster: ClusterState,
  { keep }: State,
  story: Story | undefined,
  env: Environment,
  runner: Runner,
): Promise<void> {
  const [{ clearCluster }, { realHost }, { WallClock }] = await Promise.all([
    import('./cluster.ts'),
    import('../host/real-host.ts'),
    import('../time/wall-clock.ts'),
  ]);
  const keeps = keep === 'always' || (keep === 'failed' && story?.report.verdict !== 'passed');
  const clock = new WallClock();
  const cleared = await clearCluster(cluster, keeps, { host: realHost({ clock, environment: env }), clock });
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
