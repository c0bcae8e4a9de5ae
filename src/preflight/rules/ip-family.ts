/** A migration changes the network, not the IP families: cluster, Calico and Cilium must speak the same ones. */
import { parseCidr } from '../../cni/cidr.ts';
import { valueAt } from '../../cni/merge.ts';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { askedPools, ciliumPools, installationSpec } from '../address-ranges.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const ipFamily: Rule = {
  id: 'ip-family',
  title: 'Cluster, Calico and Cilium speak the same IP family, IPv4.',
  severity: 'refusal',
  source:
    'cilium Documentation/installation/k8s-install-migration.rst (changing the IP family is not tested); kind networking.ipFamily, default ipv4',
  judgeScenario: (facts) => [...ofCalico(facts), ...ofCilium(facts), ...ofPools(facts)],
};

const isOn = (value: Json | undefined): boolean => value === true || value === 'true';
const isOff = (value: Json | undefined): boolean => value === false || value === 'false';

function ofCalico(facts: ScenarioFacts): Collision[] {
  const pools = askedPools(facts)
    .filter(({ cidr }) => cidr.includes(':'))
    .map(
      ({ cidr, where }): Collision => ({
        where,
        message: `Calico's pool ${cidr} is IPv6, and the cluster (${facts.at('cluster.podSubnet')}) and Cilium are IPv4 only; leave it out`,
        subjects: [cidr],
      }),
    );
  const key = 'calicoNetwork.nodeAddressAutodetectionV6';
  if (valueAt(installationSpec(facts), key) === undefined) return pools;
  const where = facts.at(`calico.installation.${key}`);
  const message = `the nodes of this cluster have no IPv6 address that Calico could find (${facts.at('cluster.podSubnet')} is IPv4); leave it out`;
  return [...pools, { where, message, subjects: [key] }];
}

function ofCilium(facts: ScenarioFacts): Collision[] {
  const of = (values: JsonObject, key: 'values' | 'finalValues'): Collision[] => {
    const found: Collision[] = [];
    if (isOn(valueAt(values, 'ipv6.enabled'))) {
      found.push({
        where: facts.at(`cilium.${key}.ipv6.enabled`),
        message: `Cilium with IPv6 on a cluster and a Calico that are IPv4 only (${facts.at('cluster.podSubnet')}): a change of IP family during the migration is not tested; write false, or leave it out`,
        subjects: ['ipv6.enabled'],
      });
    }
    if (isOff(valueAt(values, 'ipv4.enabled'))) {
      found.push({
        where: facts.at(`cilium.${key}.ipv4.enabled`),
        message: `Cilium without IPv4 can serve no pod of this IPv4 cluster (${facts.at('cluster.podSubnet')}); write true, or leave it out`,
        subjects: ['ipv4.enabled'],
      });
    }
    return found;
  };
  const now = of(facts.values.initial, 'values');
  return now.length > 0 ? now : of(facts.values.final, 'finalValues');
}

/** Values are the user's own text: nothing but the operator would notice. */
function ofPools(facts: ScenarioFacts): Collision[] {
  return ciliumPools(facts)
    .filter(({ cidr }) => parseCidr(cidr) === undefined)
    .map(({ cidr, where }) => ({
      where,
      message: `${JSON.stringify(cidr)} in Cilium's list of IPv4 pools is no IPv4 CIDR; write one such as 10.244.0.0/16`,
      subjects: [cidr],
    }));
}
