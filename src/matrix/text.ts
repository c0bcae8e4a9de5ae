/** A matrix as it is printed: for people, and for GitHub's `fromJSON`. */
import type { Job, Matrix } from './job.ts';

/** `strategy.matrix` of a GitHub job; it knows no other keys than `include`. */
export const githubMatrix = ({ jobs }: Matrix): { readonly include: readonly Job[] } => ({ include: jobs });

export function matrixText(matrix: Matrix): string {
  const { jobs } = matrix;
  const lines = jobs.map(({ name, support }) => `  ${name}${support === 'tested' ? '' : ` (${support})`}`);
  return `${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'} on ${jobs[0]?.provider ?? 'none'}\n${lines.join('\n')}\n${excludedText(matrix)}`;
}

/** Where the versions come from, what was left out and why. */
export function excludedText({ excluded, notes, source }: Matrix): string {
  const lines = [`versions of Cilium: ${source.cilium}, ${source.detail}`, ...notes];
  if (excluded.length > 0) lines.push(`left out: ${excluded.length}`);
  for (const { name, reason } of excluded) lines.push(`  ${name}: ${reason}`);
  return `${lines.join('\n')}\n`;
}
