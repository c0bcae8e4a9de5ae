/** Cilium takes the CNI directories over when it is installed, on every node at once. */
import type { Fault } from '../fault.ts';
import { withValues } from '../with-values.ts';

export const cniTakeoverAtInstall: Fault = {
  name: 'cni-takeover-at-install',
  kind: 'configuration',
  summary: 'Cilium writes its CNI file on every node at install.',
  ends: '`failed:secondary-installed` by `cni-files-unchanged`, naming every node; no pair fails',
  mechanism:
    "cni.customConf is false from the start: every agent writes 05-cilium.conflist and renames Calico's file before it is ready. Running pods keep their addresses and no pair fails, but every new pod lands on Cilium, on nodes that nobody drained.",
  source: 'recording with customConf=false: both files on all nodes 19 s after install',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'cni-takeover',
  change: (scenario) => withValues(scenario, { cni: { customConf: false } }),
  expected: ({ nodes }) => ({
    outcome: 'failed:secondary-installed',
    blame: {
      reasons: ['assertion-failed'],
      assertions: ['cni-files-unchanged'],
      names: nodes.map(({ name }) => name),
      noPairs: true,
    },
  }),
};
