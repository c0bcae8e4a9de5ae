/** The action's inputs and outputs. action.yml and the tables in docs/action.md are made from this (scripts/action-files.ts). */

export interface Input {
  /** `text`: one value. `lines`: one a line; empty lines and those that begin with # are skipped. `switch`: true or false. */
  readonly kind: 'text' | 'lines' | 'switch';
  /** What is meant where it is empty; '': see the description. */
  readonly default: string;
  readonly description: string;
}

export const INPUTS = {
  scenario: {
    kind: 'text',
    default: 'lab',
    description:
      'What is rehearsed: the path of a scenario file in your repository, or the name of a bundled one (lab, minimal, ha, …).',
  },
  provider: {
    kind: 'text',
    default: 'kind',
    description:
      'kind: a real cluster in Docker on this runner, in real time. twin: an embedded, simulated cluster, which takes seconds and needs no Docker.',
  },
  'cilium-version': {
    kind: 'text',
    default: '',
    description: "Cilium to migrate to, such as 1.19.6, or 1.19 for its newest known patch. Left out: the scenario's.",
  },
  'calico-version': {
    kind: 'text',
    default: '',
    description:
      "Calico to migrate from, such as 3.31.7, or 3.31 for its newest known patch. Left out: the scenario's.",
  },
  'kubernetes-version': {
    kind: 'text',
    default: '',
    description: "Kubernetes of the cluster, such as 1.34. Left out: the scenario's.",
  },
  workers: {
    kind: 'text',
    default: '',
    description: "Number of worker nodes. Left out: the scenario's.",
  },
  'control-planes': {
    kind: 'text',
    default: '',
    description: "Number of control-plane nodes: 1, 3 or 5. Left out: the scenario's.",
  },
  values: {
    kind: 'text',
    default: '',
    description:
      "Your Cilium Helm values, as the path of a file in your repository or as YAML text; they take the place of the scenario's cilium.values.",
  },
  workloads: {
    kind: 'lines',
    default: '',
    description:
      "Paths of manifests that run on the cluster while it is migrated, one a line; they take the place of the scenario's workloads.",
  },
  set: {
    kind: 'lines',
    default: '',
    description:
      'Any key of the scenario as PATH=VALUE, one a line, such as migration.batchSize=2. Wins over all inputs above.',
  },
  allow: {
    kind: 'lines',
    default: '',
    description:
      'Preflight rules whose refusal becomes a finding, one a line. A refusal names its rule; docs/guide.md lists them.',
  },
  fault: {
    kind: 'lines',
    default: '',
    description:
      'Faults that are made on purpose, one a line, such as tunnel-port-clash; use it with expect to test your own gate.',
  },
  seed: {
    kind: 'text',
    default: '1',
    description: 'Seed of everything that is drawn at random: the same seed on the twin gives the same run.',
  },
  until: {
    kind: 'text',
    default: '',
    description: 'Stop when this checkpoint has passed, such as secondary-installed. Left out: the whole migration.',
  },
  expect: {
    kind: 'text',
    default: '',
    description:
      'How the rehearsal must end for the step to be green, such as failed:switched/*. Left out: it must pass.',
  },
  keep: {
    kind: 'text',
    default: 'never',
    description:
      'Whether the cluster outlives the job, which only makes sense on a runner of your own: never, failed or always.',
  },
  report: {
    kind: 'text',
    default: 'rehearsal-report',
    description:
      'Directory for the reports, relative to the workspace. It must not exist, or be one of an earlier run.',
  },
  verbose: { kind: 'switch', default: 'false', description: 'Log every step, object and assertion.' },
  quiet: { kind: 'switch', default: 'false', description: 'Log only failures and the verdict.' },
  'kind-version': {
    kind: 'text',
    default: '',
    description: 'kind to use, such as 0.33.0. Left out: the one on the PATH if it fits, else a tested one.',
  },
  'helm-version': {
    kind: 'text',
    default: '',
    description: 'Helm to use, 3 or 4, such as 3.21.4. Left out: the one on the PATH if it fits, else a tested one.',
  },
  'cilium-cli-version': {
    kind: 'text',
    default: '',
    description:
      'cilium CLI to use, such as 0.19.2; needed only when the scenario asks for the connectivity test (finish.connectivityTest).',
  },
  'download-base-url': {
    kind: 'text',
    default: '',
    description:
      'Where kind, helm and cilium are downloaded from instead of their own sites, for closed networks. Their paths below it stay the same.',
  },
  'image-mirror': {
    kind: 'lines',
    default: '',
    description:
      'Where images are pulled from instead of their registry, one a line: PREFIX for all registries, REGISTRY=PREFIX for one.',
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
