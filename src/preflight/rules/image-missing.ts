/** Every image that the rehearsal will start exists, as far as the provider can tell before it pulls. */
import { hasEnvoy } from '../../cni/cilium.ts';
import { readData } from '../../cni/data.ts';
import { mergeValues, valueAt } from '../../cni/merge.ts';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { podTemplates } from '../pod-templates.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { isTrue } from '../values.ts';

interface Wanted {
  readonly image: string;
  readonly where: string;
  /** What names it. */
  readonly what: string;
  readonly remedy: string;
}

export const imageMissing: Rule = {
  id: 'image-missing',
  title: 'The images that will be started exist.',
  severity: 'refusal',
  source:
    'charts cilium 1.14 to 1.20 templates/_helpers.tpl (cilium.image, cilium.operator.image); data/cilium/images.json',
  judgeScenario: (facts) => {
    const wanted = [...ofCilium(facts, 'initial'), ...ofCilium(facts, 'final'), ...ofProbes(facts), ...ofNodes(facts)];
    const seen = new Set<string>();
    return [...wanted, ...ofWorkloads(facts)].flatMap(({ image, where, what, remedy }): Collision[] => {
      if (seen.has(image) || facts.imageExists(image) !== 'no') return [];
      seen.add(image);
      return [{ where, message: `${what} names ${image}, which no registry has; ${remedy}`, subjects: [image] }];
    });
  },
};

/** Where the chart's helper takes an image from. */
interface Source {
  readonly path: string;
  readonly digestKey: string;
  /** Between repository and tag. */
  readonly suffix: (values: JsonObject) => string;
  readonly used: (facts: ScenarioFacts, values: JsonObject) => boolean;
}

const SOURCES: readonly Source[] = [
  { path: 'image', digestKey: 'digest', suffix: () => '', used: () => true },
  {
    path: 'operator.image',
    digestKey: 'genericDigest',
    // No cloud's own operator with the IPAM modes of a rehearsal.
    suffix: (values) => `-generic${textOf(valueAt(values, 'operator.image.suffix'))}`,
    used: (_, values) => valueAt(values, 'operator.enabled') !== false,
  },
  {
    path: 'envoy.image',
    digestKey: 'digest',
    suffix: () => '',
    used: ({ scenario }, values) => hasEnvoy(scenario.cilium.version, values),
  },
];

/** What makes the difference, in the order in which it is looked for. */
const KEYS = ['override', 'repository', 'tag', 'suffix'] as const;

function ofCilium(facts: ScenarioFacts, moment: 'initial' | 'final'): Wanted[] {
  const { version } = facts.scenario.cilium;
  const defaults = chartValues(version);
  const values = mergeValues(defaults, facts.values[moment]);
  return SOURCES.flatMap((source): Wanted[] => {
    if (!source.used(facts, values)) return [];
    const image = imageOf(values, source);
    if (image === undefined) return [];
    const own = moment === 'final' ? facts.scenario.cilium.finalValues : facts.scenario.cilium.values;
    const key = KEYS.find((name) => valueAt(own, `${source.path}.${name}`) !== undefined);
    const usual = imageOf(defaults, source)?.replace(/@.*$/, '');
    if (key === undefined) {
      const remedy = 'write a version whose images exist';
      return [{ image, where: facts.at('cilium.version'), what: `Cilium ${version}`, remedy }];
    }
    const path = `cilium.${moment === 'final' ? 'finalValues' : 'values'}.${source.path}.${key}`;
    const remedy = usual === undefined ? 'write one that exists' : `leave it out for ${usual}, the chart's own`;
    return [{ image, where: facts.at(path), what: `${source.path}.${key}`, remedy }];
  });
}

/** The reference that the chart renders; undefined where neither the values nor the bundled chart say which tag. */
function imageOf(values: JsonObject, { path, digestKey, suffix }: Source): string | undefined {
  const at = (key: string): string => textOf(valueAt(values, `${path}.${key}`));
  if (at('override') !== '') return at('override');
  if (at('repository') === '' || at('tag') === '') return undefined;
  const digest = at(digestKey);
  const pinned = isTrue(valueAt(values, `${path}.useDigest`)) && digest !== '' ? `@${digest}` : '';
  return `${at('repository')}${suffix(values)}:${at('tag')}${pinned}`;
}

/** The chart's own values; without its data the names that all charts share, but not envoy's tag. */
function chartValues(version: string): JsonObject {
  const data = readData(`cilium/${version}/values.json`);
  if (data !== undefined) return JSON.parse(data) as JsonObject;
  return {
    image: { repository: 'quay.io/cilium/cilium', tag: `v${version}` },
    operator: { image: { repository: 'quay.io/cilium/operator', tag: `v${version}` } },
    envoy: { image: { repository: 'quay.io/cilium/cilium-envoy' } },
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function ofProbes({ scenario, at }: ScenarioFacts): Wanted[] {
  const remedy = 'write a released tag of bloomberg/goldpinger, or leave it out';
  return [{ image: scenario.probes.image, where: at('probes.image'), what: 'it', remedy }];
}

/** As kindConfig names it where the scenario does not. */
function ofNodes({ scenario: { kubernetes }, at }: ScenarioFacts): Wanted[] {
  const remedy = 'write an image, or a kubernetes.version, that a kind release announces';
  if (kubernetes.image !== null) {
    return [{ image: kubernetes.image, where: at('kubernetes.image'), what: 'it', remedy }];
  }
  const image = `kindest/node:v${kubernetes.version.replace(/^v/, '')}`;
  return [{ image, where: at('kubernetes.version'), what: kubernetes.version, remedy }];
}

function ofWorkloads({ workloads }: ScenarioFacts): Wanted[] {
  return podTemplates(workloads).flatMap(({ where, spec }) =>
    [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ name, image }) =>
      image === undefined ? [] : [{ image, where, what: `container ${name}`, remedy: 'write a tag that exists' }],
    ),
  );
}
