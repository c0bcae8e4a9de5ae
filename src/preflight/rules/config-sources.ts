/**
 * The switch of a node is a CiliumNodeConfig: the agent's init container must read it, and it must be allowed to override
 * the keys that the takeover needs.
 */
import { ciliumNodeConfigFor } from '../../cni/cilium.ts';
import { valueAt } from '../../cni/merge.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { isTrue, placeOf } from '../values.ts';

const SOURCES = 'daemon.configSources';
const ALLOWED = 'daemon.allowedConfigOverrides';
const BLOCKED = 'daemon.blockedConfigOverrides';
const SKIP_CRDS = 'operator.skipCRDCreation';
/** What the agent reads unless told otherwise (charts 1.19 values.yaml). */
const DEFAULT_SOURCES = 'config-map:cilium-config,cilium-node-config';

export const configSources: Rule = {
  id: 'config-sources',
  title: 'The agents read the CiliumNodeConfig that switches their node.',
  severity: 'refusal',
  source:
    'cilium pkg/option/resolver and charts 1.14 to 1.20 (daemon.*); from 1.19 one config map as only source drops the init container',
  judgeScenario: (facts) => {
    const { initial } = facts.values;
    return [...sources(facts, initial), ...overrides(facts, initial), ...definitions(facts, initial)];
  },
};

function sources(facts: ScenarioFacts, values: JsonObject): Collision[] {
  const text = textAt(values, SOURCES);
  // `KIND:NAME` or `KIND:NAMESPACE/NAME`, lowest first; without a name it is the agent's namespace.
  const kinds = text.split(',').map((source) => source.trim().split(':')[0]);
  if (text === '' || kinds.includes('cilium-node-config')) return [];
  return [refusal(facts, SOURCES, text, 'names no cilium-node-config', `leave it out, or write ${DEFAULT_SOURCES}`)];
}

/** The first source may always set a key; what the others may is said by either list, the allowed one first. */
function overrides(facts: ScenarioFacts, values: JsonObject): Collision[] {
  const needed = Object.keys((ciliumNodeConfigFor('v2', values).spec as { defaults: JsonObject }).defaults).sort();
  const allowed = textAt(values, ALLOWED);
  const blocked = textAt(values, BLOCKED);
  const missing = needed.filter((key) => !listOf(allowed).includes(key));
  if (allowed !== '' && missing.length > 0) {
    const remedy = `add ${missing.join(', ')}, or leave it out`;
    return [refusal(facts, ALLOWED, allowed, `lets no source override ${missing.join(', ')}`, remedy)];
  }
  const stopped = needed.filter((key) => listOf(blocked).includes(key));
  if (allowed !== '' || stopped.length === 0) return [];
  const remedy = `take ${stopped.join(', ')} out of it until the nodes are migrated`;
  return [refusal(facts, BLOCKED, blocked, `forbids to override ${stopped.join(', ')}`, remedy)];
}

/** The CRDs are the operator's work: the chart has none, and a new cluster has nobody else's. */
function definitions(facts: ScenarioFacts, values: JsonObject): Collision[] {
  if (!isTrue(valueAt(values, SKIP_CRDS))) return [];
  return [
    {
      where: placeOf(facts, 'initial', SKIP_CRDS),
      message:
        'true keeps the operator from creating the CRDs, so that there is no CiliumNodeConfig that could switch a node; leave it out',
      subjects: [`cilium.values.${SKIP_CRDS}`],
    },
  ];
}

function refusal(facts: ScenarioFacts, path: string, value: string, what: string, remedy: string): Collision {
  return {
    where: placeOf(facts, 'initial', path),
    message: `${JSON.stringify(value)} ${what}, so the agent of a labelled node ignores the CiliumNodeConfig and never takes over its CNI directory; ${remedy}`,
    subjects: [`cilium.values.${path}`],
  };
}

function textAt(values: JsonObject, path: string): string {
  const value = valueAt(values, path);
  return typeof value === 'string' ? value.trim() : '';
}

const listOf = (text: string): string[] => text.split(/[\s,]+/).filter((key) => key !== '');
