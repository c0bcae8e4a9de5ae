/** How a rehearsal can end, and why. The cause decides, not the moment (docs/guide.md). */

export const VERDICTS = ['passed', 'failed', 'refused', 'error', 'not-modelled', 'cancelled', 'interrupted'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Exit code of each verdict; `interrupted` is only ever made by reading events again. */
export const EXIT_CODES: Record<Exclude<Verdict, 'interrupted'>, number> = {
  passed: 0,
  failed: 1,
  refused: 2,
  error: 3,
  'not-modelled': 64,
  cancelled: 130,
};

/** Machine-readable causes. `message` says the same for people. */
export const REASONS = [
  'completed',
  'stopped-as-asked',
  // failed
  'pairs-unhealthy',
  'pairs-unmeasured',
  'assertion-failed',
  'container-not-ready',
  'disruption-exceeded',
  'connectivity-test-failed',
  'wrong-address',
  'node-not-ready',
  'drain-blocked',
  'removal-blocked',
  'calico-degraded',
  'step-timed-out',
  'control-plane-lost',
  'source-blind',
  // error
  'unschedulable',
  'tool-missing',
  'tool-failed',
  'download-failed',
  'disk-full',
  'node-container-gone',
  'control-plane-readdressed',
  'runner-overloaded',
  'baseline-unhealthy',
  'provision-failed',
  'fault-not-injected',
  'internal',
  // refused
  'scenario-invalid',
  'rule-refused',
  'chart-rejected-values',
  'image-missing',
  'version-unknown',
  // not modelled
  'not-modelled',
  // cancelled
  'cancelled',
  // made by `rehearse report` only
  'events-cut',
] as const;
export type Reason = (typeof REASONS)[number];
