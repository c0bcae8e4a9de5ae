/** Evidence at the end of a run that did not end well: gathered before anything is cleaned up, told as a step of its own. */

import type { Emit } from '../events/events.ts';
import { CAUSE_LOG, EVIDENCE_README } from '../events/evidence.ts';
import type { EvidenceDirectory } from '../evidence/bundle.ts';
import { chooseTail, type Tail } from '../evidence/cause.ts';
import { type GatherOptions, gatherEvidence } from '../evidence/gather.ts';
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { Clock } from '../time/clock.ts';
import type { BlameRecord } from './blamed.ts';
import type { Journal } from './journal.ts';
import type { RehearsalFailure } from './outcome.ts';
import type { Plan } from './plan.ts';

/** The step that the time for it is charged to; it is in no plan, because a run that ends well has none. */
export const EVIDENCE_STEP = 'evidence';

export interface EvidenceWork {
  readonly host: Host;
  /** null: the cluster was never reached. */
  readonly api: KubeApi | null;
  readonly clock: Clock;
  readonly cluster: string;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly blame: BlameRecord;
  readonly directory: EvidenceDirectory;
  readonly emit: Emit;
  /** Of the run; aborted while evidence is gathered, it ends that. */
  readonly signal: AbortSignal;
}

/** A rule says itself what is wrong, and what only the twin lacks is not in its cluster. */
export function wantsEvidence({ verdict, reason }: RehearsalFailure): boolean {
  return verdict !== 'not-modelled' && reason !== 'rule-refused';
}

/** Never throws. */
export async function gatherAfter(failure: RehearsalFailure, work: EvidenceWork): Promise<void> {
  const { host, api, clock, cluster, plan, journal, blame, directory, emit, signal } = work;
  const named = (role: 'control-plane' | 'worker'): string[] =>
    plan.nodes.filter((node) => node.role === role).map(({ name }) => name);
  const cancelled = failure.verdict === 'cancelled';
  const extent: GatherOptions['extent'] = cancelled ? 'quick' : api ? 'full' : 'no-cluster';
  emit({
    type: 'step-started',
    step: EVIDENCE_STEP,
    phase: journal.phase,
    node: null,
    title: 'gather evidence before anything is cleaned up',
    account: 'evidence',
  });
  const { readme, tail } = await gatherEvidence({
    ...{ host, api, clock, cluster, extent, directory },
    controlPlanes: named('control-plane'),
    workers: named('worker'),
    blamed: blame.blamed(
      failure,
      plan.nodes.map(({ name }) => name),
    ),
    headline: `The run ended ${failure.verdict} (${failure.reason}): ${failure.message}`,
    log: failure.log,
    ...(signal.aborted ? {} : { signal }),
  });
  if (tail) emit({ type: 'evidence', file: CAUSE_LOG, content: causeText(tail) });
  emit({ type: 'evidence', file: EVIDENCE_README, content: readme });
  emit({ type: 'step-ended', step: EVIDENCE_STEP, outcome: 'passed', message: '' });
}

/** Where there is no cluster to look at, the words of the command that failed are all that there is. */
export function tellLog({ log }: RehearsalFailure, emit: Emit): void {
  const tail = chooseTail(log, [], false);
  if (tail) emit({ type: 'evidence', file: CAUSE_LOG, content: causeText(tail) });
}

const causeText = ({ of, lines }: Tail): string => `# ${of}\n${lines.join('\n')}\n`;
