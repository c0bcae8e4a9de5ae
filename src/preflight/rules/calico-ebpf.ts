/**
 * The migration lives on the kernel's own routing and netfilter between both networks. Calico's eBPF and VPP data planes go
 * past it. nftables is let through: its rules and Cilium's iptables ones are in the same kernel hooks, and nothing is known
 * to break.
 */
import { valueAt } from '../../cni/merge.ts';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import type { Collision, Rule } from '../rule.ts';
import { isTrue } from '../values.ts';
import { written } from '../written.ts';

const DATAPLANE = 'calicoNetwork.linuxDataplane';
const PAST_THE_STACK: readonly (Json | undefined)[] = ['BPF', 'VPP'];

export const calicoEbpf: Rule = {
  id: 'calico-ebpf',
  title: "Calico's data plane uses the kernel's routing, which joins both networks.",
  severity: 'refusal',
  source:
    'cilium Documentation/installation/k8s-install-migration.rst (requirements); tigera/operator Installation.spec.calicoNetwork.linuxDataplane; projectcalico/calico FelixConfiguration.spec.bpfEnabled',
  judgeScenario: ({ scenario: { calico }, at }) =>
    judge(calico.installation, calico.felix, at(`calico.installation.${DATAPLANE}`), at('calico.felix.bpfEnabled')),
  judgeCluster: ({ installation, felix }) =>
    judge(
      installation?.spec ?? {},
      (felix?.spec ?? {}) as JsonObject,
      `Installation default: spec.${DATAPLANE}`,
      'FelixConfiguration default: spec.bpfEnabled',
    ),
};

function judge(installation: JsonObject, felix: JsonObject, atInstallation: string, atFelix: string): Collision[] {
  const dataplane = valueAt(installation, DATAPLANE);
  const collisions: Collision[] = [];
  if (PAST_THE_STACK.includes(dataplane)) {
    collisions.push(collision(atInstallation, written(dataplane), 'write Iptables', 'linuxDataplane'));
  }
  if (isTrue(felix.bpfEnabled)) collisions.push(collision(atFelix, 'true', 'write false', 'bpfEnabled'));
  return collisions;
}

function collision(where: string, value: string, remedy: string, subject: string): Collision {
  return {
    where,
    message: `with ${value} Calico carries packets past the kernel's routing and iptables, through which pods on Calico and pods on Cilium reach each other; ${remedy} and migrate from there`,
    subjects: [subject],
  };
}
