/**
 * The kinds of work that a soak does. One unit of work is a pure function of its seed: what it does and what must come of
 * it. To add a kind, write its function in a file of its own and name it here.
 */
import { broken } from './broken.ts';
import { cancelled } from './cancelled.ts';
import { disk } from './disk.ts';
import { faults } from './faults.ts';
import { healthy } from './healthy.ts';
import { signals } from './signals.ts';

/** What a unit did, for people, and what was not as it must be; no problems: as expected. */
export interface Done {
  /** One line that says what was done: scenario, moment, signal. */
  readonly what: string;
  readonly problems: readonly string[];
}

export interface Kind {
  readonly name: string;
  /** One line for the table. */
  readonly expects: string;
  /** How often it is drawn, in relation to the others. */
  readonly weight: number;
  run(seed: number): Promise<Done>;
}

export const KINDS: readonly Kind[] = [
  { name: 'healthy', expects: 'passed, whatever the scenario and the seed', weight: 3, run: healthy },
  { name: 'faults', expects: 'the end and the blame of the catalogue, at any node', weight: 4, run: faults },
  { name: 'cancelled', expects: 'a good end at any moment, in process', weight: 3, run: cancelled },
  { name: 'broken', expects: 'verdict, evidence and clean-up, whatever breaks', weight: 3, run: broken },
  { name: 'signals', expects: 'a good end of a real process, at any moment', weight: 3, run: signals },
  { name: 'disk', expects: 'whole lines, whole reports, and never green without them', weight: 1, run: disk },
];
