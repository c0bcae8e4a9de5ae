/** The kinds of checkpoints in the order of the story, with what each judges beside the probes' pairs. */
import type { AssertionId, Phase } from '../events/events.ts';
import { ASSERTIONS_AT } from './assertions/index.ts';

export interface CheckpointKind {
  /** `baseline`, or `switched/NODE` for one that is judged for every node. */
  readonly id: string;
  readonly phase: Phase;
  readonly assertions: readonly AssertionId[];
}

const KINDS: readonly { id: string; phase: Phase }[] = [
  { id: 'baseline', phase: 'baseline' },
  { id: 'prepared', phase: 'prepare' },
  { id: 'secondary-installed', phase: 'secondary' },
  { id: 'drained/NODE', phase: 'migrate' },
  { id: 'switched/NODE', phase: 'migrate' },
  { id: 'migrated/NODE', phase: 'migrate' },
  { id: 'all-migrated', phase: 'complete' },
  { id: 'finalized', phase: 'finalize' },
  { id: 'legacy-removed', phase: 'remove' },
  { id: 'restarted/NODE', phase: 'restart' },
  { id: 'final', phase: 'verify' },
];

export function checkpointKinds(): CheckpointKind[] {
  return KINDS.map(({ id, phase }) => ({ id, phase, assertions: ASSERTIONS_AT[id.split('/')[0]!] ?? [] }));
}
