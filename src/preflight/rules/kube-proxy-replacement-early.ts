/**
 * Cilium must not take over Services, or masquerade in eBPF, while kube-proxy and Calico's iptables still carry the
 * traffic between both networks. In the final values both are fine.
 */
import semver from 'semver';
import { valueAt } from '../../cni/merge.ts';
import type { Json } from '../../scenario/scenario.ts';
import type { Collision, Rule } from '../rule.ts';
import { isTrue, placeOf } from '../values.ts';

interface Early {
  readonly path: string;
  /** First minor of Cilium 1.x whose chart knows the key no more. */
  readonly until?: number;
  readonly when: (value: Json | undefined, minor: number) => boolean;
  readonly why: string;
}

const SERVICES =
  'makes Cilium answer for Services in the sockets and at the interfaces of every node while kube-proxy does so too';

const EARLY: readonly Early[] = [
  {
    path: 'kubeProxyReplacement',
    // The words of old charts; from 1.16 they are refused by the chart itself.
    when: (value, minor) => isTrue(value) || (minor <= 15 && (value === 'strict' || value === 'partial')),
    why: SERVICES,
  },
  { path: 'nodePort.enabled', until: 19, when: isTrue, why: SERVICES },
  { path: 'externalIPs.enabled', until: 17, when: isTrue, why: SERVICES },
  { path: 'socketLB.enabled', when: isTrue, why: SERVICES },
  {
    path: 'bpf.masquerade',
    when: isTrue,
    why: 'takes masquerading out of the iptables rules through which pods on Calico and pods on Cilium reach each other, and needs kube-proxy replacement',
  },
];

export const kubeProxyReplacementEarly: Rule = {
  id: 'kube-proxy-replacement-early',
  title: 'Cilium leaves Services and masquerading to kube-proxy and iptables until the migration is done.',
  severity: 'refusal',
  source:
    'cilium issue 21579; cilium 1.14 to 1.19 daemon (host routing, masquerading); charts 1.14 to 1.20 values.yaml',
  judgeScenario: (facts) => {
    const minor = semver.coerce(facts.scenario.cilium.version)?.minor ?? 0;
    return EARLY.flatMap(({ path, until, when, why }): Collision[] => {
      const value = valueAt(facts.values.initial, path);
      if ((until !== undefined && minor >= until) || !when(value, minor)) return [];
      return [
        {
          where: placeOf(facts, 'initial', path),
          message: `${JSON.stringify(value)} ${why}; leave it out here and write it under cilium.finalValues`,
          subjects: [`cilium.values.${path}`],
        },
      ];
    });
  },
};
