/** The one annotation of a step that is red: what is wrong, at the line of the scenario that explains it. Pure. */
import { isAbsolute, relative, sep } from 'node:path';
import type { Reason } from '../events/verdict.ts';
import { groupText } from '../report/failure.ts';
import type { Report } from '../report/report-types.ts';
import { verdictWord } from '../report/words.ts';
import type { Place, Places, Positions } from '../scenario/positions.ts';
import type { Problem } from '../scenario/problem.ts';

export interface Annotation {
  readonly title: string;
  readonly message: string;
  /** Relative to the workspace, with slashes; left out where no line of a file in it explains the end. */
  readonly file?: string;
  readonly startLine?: number;
}

/** The runner cuts a message at 4,096 characters (actions/runner ExecutionContext.cs). */
const MOST_CHARACTERS = 4_000;
const MOST_GROUPS = 6;

/** Keys that a reason is about, beside those that the message names. */
const KEYS_OF_REASON: Partial<Record<Reason, readonly string[]>> = {
  'wrong-address': ['migration.setAutodetection', 'calico.autodetection'],
  'calico-degraded': ['calico.installation'],
  'drain-blocked': ['migration.drain.timeout', 'migration.drain'],
  'disruption-exceeded': ['gate.maxDisruption'],
  'connectivity-test-failed': ['finish.connectivityTest'],
  'chart-rejected-values': ['cilium.values', 'cilium.finalValues'],
  unschedulable: ['cluster.workers', 'probes.goldpinger.replicas'],
};

const KEY = /\b(?:kubernetes|cluster|calico|cilium|probes|migration|finish|gate|timeouts|preflight)(?:\.\w+)+/g;

/** Remembers where the keys stand that somebody has named, so that a message can be traced back to them. */
export class NamedPlaces {
  readonly #at: Positions;
  readonly #places: Places;
  readonly #named = new Map<string, Place>();

  constructor({ at, places }: { at: Positions; places: Places }) {
    this.#at = at;
    this.#places = places;
  }

  /** As the scenario's own, for those who write messages. */
  readonly at: Positions = (path) => {
    const text = this.#at(path);
    const place = this.#places(path);
    if (place) this.#named.set(text, place);
    return text;
  };

  /** The place that a message is about: the first one that it names, else one that goes with the reason. */
  explaining(message: string, reason: Reason): Place | undefined {
    const named = [...this.#named]
      .map(([text, place]) => ({ index: message.indexOf(text), place }))
      .filter(({ index }) => index >= 0)
      .sort((a, b) => a.index - b.index);
    if (named[0]) return named[0].place;
    const keys = [...(message.match(KEY) ?? []), ...(KEYS_OF_REASON[reason] ?? [])];
    return keys.map((key) => this.#places(key)).find((place) => place !== undefined);
  }
}

/** @param place what explains the end, where something does */
export function annotationOf(report: Report, place: Place | undefined, workspace: string): Annotation {
  const at = report.failedCheckpoint === null ? '' : ` at ${report.failedCheckpoint}`;
  const failed = report.checkpoints.find(({ id }) => id === report.failedCheckpoint);
  const groups = failed?.groups ?? [];
  const more = groups.length > MOST_GROUPS ? [`… and ${groups.length - MOST_GROUPS} more`] : [];
  const lines = [report.message, ...groups.slice(0, MOST_GROUPS).map(groupText), ...more];
  return {
    title: `${verdictWord(report)}${at}`,
    message: cut(lines.join('\n')),
    ...placed(place, workspace),
  };
}

/**
 * The annotation of a scenario that cannot be used: at its first problem, with all of them.
 * @param file absolute path of a file by the name that the problem gives it
 */
export function annotationOfProblems(
  title: string,
  error: { readonly message: string; readonly problems?: readonly Problem[] },
  file: (where: string) => string,
  workspace: string,
): Annotation {
  const first = error.problems?.find(({ line }) => line !== null);
  const place = first && { file: file(first.where), line: first.line ?? 1, column: first.column ?? 1 };
  return { title, message: cut(error.message), ...placed(place, workspace) };
}

/** A file outside of the workspace, such as a bundled scenario, is none that a reader could open. */
function placed(place: Place | undefined, workspace: string): Pick<Annotation, 'file' | 'startLine'> {
  if (!place) return {};
  const file = relative(workspace, place.file);
  if (file === '' || isAbsolute(file) || file.split(sep)[0] === '..') return {};
  return { file: file.split(sep).join('/'), startLine: place.line };
}

const cut = (text: string): string =>
  text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS).toWellFormed()}…`;
