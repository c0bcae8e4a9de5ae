/**
 * The action's inputs and outputs. action.yml and the tables in docs/action.md are made from this and from
 * input-descriptions.ts (scripts/action-files.ts).
 */

export interface Input {
  /** `text`: one value. `lines`: one a line; empty lines and those that begin with # are skipped. `switch`: true or false. */
  readonly kind: 'text' | 'lines' | 'switch';
  /** What is meant where it is empty; '': see its description (input-descriptions.ts). */
  readonly default: string;
}

export const INPUTS = {
  scenario: {
    kind: 'text',
    default: 'lab',
  },
  provider: {
    kind: 'text',
    default: 'kind',
  },
  'cilium-version': {
    kind: 'text',
    default: '',
  },
  'calico-version': {
    kind: 'text',
    default: '',
  },
  'kubernetes-version': {
    kind: 'text',
    default: '',
  },
  workers: {
    kind: 'text',
    default: '',
  },
  'control-planes': {
    kind: 'text',
    default: '',
  },
  values: {
    kind: 'text',
    default: '',
  },
  workloads: {
    kind: 'lines',
    default: '',
  },
  set: {
    kind: 'lines',
    default: '',
  },
  allow: {
    kind: 'lines',
    default: '',
  },
  fault: {
    kind: 'lines',
    default: '',
  },
  seed: {
    kind: 'text',
    default: '1',
  },
  until: {
    kind: 'text',
    default: '',
  },
  expect: {
    kind: 'text',
    default: '',
  },
  keep: {
    kind: 'text',
    default: 'never',
  },
  report: {
    kind: 'text',
    default: 'rehearsal-report',
  },
  verbose: { kind: 'switch', default: 'false' },
  quiet: { kind: 'switch', default: 'false' },
  'kind-version': {
    kind: 'text',
    default: '',
  },
  'helm-version': {
    kind: 'text',
    default: '',
  },
  'cilium-cli-version': {
    kind: 'text',
    default: '',
  },
  'download-base-url': {
    kind: 'text',
    default: '',
  },
  'image-mirror': {
    kind: 'lines',
    default: '',
  },
} as const satisfies Readonly<Record<string, Input>>;

export type InputName = keyof typeof INPUTS;

export const OUTPUTS = {
  verdict: 'passed, failed, refused, error, not-modelled or cancelled.',
  reason: 'Why, as one word such as pairs-unhealthy; empty when the inputs were wrong.',
  'failed-checkpoint': 'Id of the checkpoint that failed, such as switched/kind-worker2; empty when none did.',
  simulated: 'true when the cluster was the twin: the verdict is then no word about a real one.',
  'report-directory': 'Absolute path of the directory with all reports, for actions/upload-artifact.',
  'report-json': 'Absolute path of report.json.',
  'unhealthy-pairs': 'Number of pod pairs that could not reach each other at the failed, or else the last, checkpoint.',
  'disruption-seconds':
    'Longest time for which a pair of pods failed without a node restart or the install to explain it.',
  'duration-seconds': 'How long the rehearsal took; in simulated time on the twin.',
} as const;

export type OutputName = keyof typeof OUTPUTS;
