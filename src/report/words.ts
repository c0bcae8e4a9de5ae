/** How verdicts and figures read, the same on the console and in the summary. */
import { formatDuration } from '../time/duration.ts';
import type { Report } from './report-types.ts';

/** `PASSED (simulated)`: what a twin finds is never taken for a real cluster's word. */
export function verdictWord({ verdict, simulated }: Pick<Report, 'verdict' | 'simulated'>): string {
  const word = verdict === 'not-modelled' ? 'NOT MODELLED' : verdict.toUpperCase();
  return simulated ? `${word} (simulated)` : word;
}

/** Seconds of the report as `1m35s`; below ten seconds with a decimal, because steps are that short. */
export function secondsText(seconds: number): string {
  if (seconds === 0) return '0s';
  if (seconds < 10) return `${Number(seconds.toFixed(1))}s`;
  return formatDuration(seconds * 1_000);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `1 control plane, 4 workers`. */
export function clusterText({ controlPlanes, workers }: { controlPlanes: number; workers: number }): string {
  return `${plural(controlPlanes, 'control plane')}, ${plural(workers, 'worker')}`;
}

/** Where it failed, if it did at a checkpoint, and whether the way back is still open. */
export function whereText({ verdict, reason, failedCheckpoint, beforePointOfNoReturn }: Report): string {
  if (verdict === 'passed') return '';
  const at = failedCheckpoint === null ? '' : ` at ${failedCheckpoint}`;
  const side = beforePointOfNoReturn ? 'before' : 'after';
  return `${reason}${at}, ${side} the point of no return`;
}

/** A fault as `--fault` takes it, defaults filled in. */
export function faultText({ name, args }: { name: string; args: Readonly<Record<string, string>> }): string {
  const given = Object.entries(args).map(([key, value]) => `${key}=${value}`);
  return given.length > 0 ? `${name}:${given.join(',')}` : name;
}
