/** A cap on jobs that keeps as much of every axis as there is room for. */
import { AXES, type Job } from './job.ts';

/**
 * At most so many of the jobs, in their order: first those that bring a scenario or version not yet among them.
 * @param most at least 1
 */
export function capped(jobs: readonly Job[], most: number): { readonly kept: Job[]; readonly dropped: Job[] } {
  if (jobs.length <= most) return { kept: [...jobs], dropped: [] };
  const chosen = new Set<Job>();
  const covered = new Set<string>();
  const news = (job: Job): number => AXES.filter((axis) => !covered.has(`${axis}=${job[axis]}`)).length;
  while (chosen.size < most) {
    let best: Job | undefined;
    for (const job of jobs) {
      if (!chosen.has(job) && (best === undefined || news(job) > news(best))) best = job;
    }
    chosen.add(best!);
    for (const axis of AXES) covered.add(`${axis}=${best![axis]}`);
  }
  return { kept: jobs.filter((job) => chosen.has(job)), dropped: jobs.filter((job) => !chosen.has(job)) };
}
