/** What people read of each input, in action.yml and docs/action.md; of no use to a run, so it is in no bundle. */
import type { InputName } from './input-table.ts';

export const INPUT_DESCRIPTIONS: Readonly<Record<InputName, string>> = {
  scenario:
    'What is rehearsed: the path of a scenario file in your repository, or the name of a bundled one (lab, minimal, ha, …).',
  provider:
    'kind: a real cluster in Docker on this runner, in real time. twin: an embedded, simulated cluster, which takes seconds and needs no Docker.',
  'cilium-version':
    "Cilium to migrate to, such as 1.19.6, or 1.19 for its newest known patch. Left out: the scenario's.",
  'calico-version':
    "Calico to migrate from, such as 3.31.7, or 3.31 for its newest known patch. Left out: the scenario's.",
  'kubernetes-version': "Kubernetes of the cluster, such as 1.34. Left out: the scenario's.",
  workers: "Number of worker nodes. Left out: the scenario's.",
  'control-planes': "Number of control-plane nodes: 1, 3 or 5. Left out: the scenario's.",
  values:
    "Your Cilium Helm values, as the path of a file in your repository or as YAML text; they take the place of the scenario's cilium.values.",
  workloads:
    "Paths of manifests that run on the cluster while it is migrated, one a line; they take the place of the scenario's workloads.",
  set: 'Any key of the scenario as PATH=VALUE, one a line, such as migration.batchSize=2. Wins over all inputs above.',
  allow:
    'Preflight rules whose refusal becomes a finding, one a line. A refusal names its rule; docs/guide.md lists them.',
  fault:
    'Faults that are made on purpose, one a line, such as tunnel-port-clash; use it with expect to test your own gate.',
  seed: 'Seed of everything that is drawn at random: the same seed on the twin gives the same run.',
  until: 'Stop when this checkpoint has passed, such as secondary-installed. Left out: the whole migration.',
  expect: 'How the rehearsal must end for the step to be green, such as failed:switched/*. Left out: it must pass.',
  keep: 'Whether the cluster outlives the job, which only makes sense on a runner of your own: never, failed or always.',
  report: 'Directory for the reports, relative to the workspace. It must not exist, or be one of an earlier run.',
  'kind-version': 'kind to use, such as 0.33.0. Left out: the one on the PATH if it fits, else a tested one.',
  'helm-version': 'Helm to use, 3 or 4, such as 3.21.4. Left out: the one on the PATH if it fits, else a tested one.',
  'cilium-cli-version':
    'cilium CLI to use, such as 0.19.2; needed only when the scenario asks for the connectivity test (finish.connectivityTest).',
  'download-base-url':
    "Where kind, helm, cilium and Cilium's chart are downloaded from instead of their own sites, for closed networks; docs/tools.md has the paths below it.",
  'image-mirror':
    'Where images are pulled from instead of their registry, one a line: PREFIX for all registries, REGISTRY=PREFIX for one.',
  verbose: 'Log every step, object and assertion.',
  quiet: 'Log only failures and the verdict.',
};
