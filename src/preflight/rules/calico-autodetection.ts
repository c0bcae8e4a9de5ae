/**
 * Calico looks for its node's address again every 60 s, and cilium_host, which has one, is in no exclusion list: the way in
 * which it looks must lead it past Cilium's interfaces.
 */
import { anyHolds, parseAddress } from '../../cni/cidr.ts';
import { valueAt } from '../../cni/merge.ts';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { freePool, installationSpec, maskSizeOf, overlap, rangesAsked, rangesFound } from '../address-ranges.ts';
import type { ClusterFacts, Collision, Rule, ScenarioFacts } from '../rule.ts';
import { written } from '../written.ts';

const KEY = 'calicoNetwork.nodeAddressAutodetectionV4';

/** Of Cilium's interfaces only this one has an IPv4 address of global scope (cilium 1.14 to 1.19; observed). */
const CILIUM_HOST = 'cilium_host';

/** The order in which the operator takes them (tigera/operator pkg/render/node.go). */
const METHODS = ['interface', 'skipInterface', 'canReach', 'firstFound', 'cidrs', 'kubernetes'] as const;
type Method = (typeof METHODS)[number];

export const calicoAutodetection: Rule = {
  id: 'calico-autodetection',
  title: "Calico cannot take an address of Cilium's for its node's own.",
  severity: 'refusal',
  source:
    'cilium issue 31273; projectcalico/calico v3.25.1 to v3.32.1 node/pkg/lifecycle/startup/autodetection; tigera/operator validation.go; observed',
  judgeScenario: (facts) => {
    const spec = valueAt(installationSpec(facts), KEY);
    const theirs = valueAt(facts.scenario.calico.installation, KEY) !== undefined;
    const where = facts.at(theirs ? `calico.installation.${KEY}` : 'calico.autodetection');
    return judge(facts, asObject(spec), where, () => poolsAtInstall(facts, rangesAsked(facts)));
  },
  judgeCluster: (facts: ClusterFacts) => {
    const spec = valueAt(facts.installation?.spec ?? {}, KEY);
    return judge(facts, asObject(spec), `Installation default: spec.${KEY}`, () =>
      poolsAtInstall(facts, rangesFound(facts)),
    );
  },
};

function judge(facts: ScenarioFacts, spec: JsonObject, where: string, pools: () => readonly string[]): Collision[] {
  const methods = METHODS.filter((method) => isSet(spec[method]));
  const patched = facts.scenario.migration.setAutodetection !== 'keep';
  // The patch sets firstFound false; any other method stays beside it.
  const beside = patched ? methods.filter((method) => method !== 'firstFound' && method !== 'kubernetes') : [];
  if (methods.length > 1) return [exclusive(where, methods, 'keep one of them')];
  if (beside.length > 0) {
    const remedy = `leave ${beside[0]} out, or write migration.setAutodetection: keep`;
    return [exclusive(where, [...beside, 'kubernetes (of migration.setAutodetection)'], remedy)];
  }
  if (patched) return [];
  const why = unsafe(methods[0], spec, pools);
  if (why === undefined) return [];
  const other = methods[0] === undefined || methods[0] === 'firstFound' ? '' : `leave ${methods[0]} out and `;
  return [
    {
      where: methods[0] === undefined || methods[0] === 'firstFound' ? facts.at('migration.setAutodetection') : where,
      message: `${why} (${where}), so Calico may take Cilium's ${CILIUM_HOST} for its node's address after the install; ${other}write migration.setAutodetection: NodeInternalIP`,
      subjects: [`nodeAddressAutodetectionV4.${methods[0] ?? 'firstFound'}`],
    },
  ];
}

/** The API takes it, the operator calls it invalid, and calico-node is left as it was. */
function exclusive(where: string, methods: readonly string[], remedy: string): Collision {
  const message = `${methods.join(' and ')} exclude each other, the operator calls such an Installation invalid; ${remedy}`;
  return { where, message, subjects: methods };
}

/** Why the method may lead to cilium_host; undefined when it cannot. */
function unsafe(method: Method | undefined, spec: JsonObject, pools: () => readonly string[]): string | undefined {
  const value = method === undefined ? undefined : spec[method];
  switch (method) {
    case 'kubernetes':
      return undefined;
    case 'interface':
      return textsOf(value).some((pattern) => matches(pattern) !== false)
        ? `keep leaves interface ${written(value)}, which fits ${CILIUM_HOST}`
        : undefined;
    case 'skipInterface':
      return textsOf(value).some((pattern) => matches(pattern) === true)
        ? undefined
        : `keep leaves skipInterface ${written(value)}, which does not skip ${CILIUM_HOST}`;
    case 'canReach':
      // The address of the interface through which the target is reached; Cilium's pools are reached through cilium_host.
      return parseAddress(written(value)) !== undefined && anyHolds(pools(), written(value))
        ? `keep leaves canReach ${written(value)}, which lies in Cilium's pool ${pools().join(', ')}`
        : undefined;
    case 'cidrs':
      return textsOf(value).some((cidr) => pools().some((pool) => overlap(pool, cidr)))
        ? `keep leaves cidrs ${textsOf(value).join(', ')}, which hold addresses of Cilium's pool ${pools().join(', ')}`
        : undefined;
    default:
      return 'keep leaves firstFound, which walks all interfaces from the newest';
  }
}

/** Cilium's pools, or the one that phase `prepare` will choose. */
function poolsAtInstall(facts: ScenarioFacts, taken: readonly { readonly cidr: string }[]): readonly string[] {
  if (facts.podCidrs !== null) return facts.podCidrs;
  const cidrs = taken.map(({ cidr }) => cidr);
  const chosen = freePool(cidrs, facts.nodes.length, maskSizeOf(facts.values.initial));
  return chosen === undefined ? [] : [chosen];
}

/** As the operator counts methods: an empty text, an empty list and `firstFound: false` are none. */
function isSet(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  return !Array.isArray(value) || value.length > 0;
}

function textsOf(value: Json | undefined): string[] {
  const list = Array.isArray(value) ? value : written(value ?? '').split(',');
  return list.map(written).filter((text) => text !== '');
}

/** Calico's patterns are regular expressions that need fit only a part; undefined: it is none. */
function matches(pattern: string): boolean | undefined {
  try {
    return new RegExp(pattern).test(CILIUM_HOST);
  } catch {
    return undefined;
  }
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
