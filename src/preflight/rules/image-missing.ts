/** Every image that the rehearsal will start exists, as far as the provider can tell before it pulls. */
import { CILIUM_IMAGE_SOURCES, chartValues, imageOfChart } from '../../cni/images.ts';
import { mergeValues, valueAt } from '../../cni/merge.ts';
import { podTemplates } from '../pod-templates.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

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
  cannotTell: ({ provider }) =>
    provider === 'kind' ? 'only a pull tells: a run refuses what is not there before Cilium is installed' : undefined,
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

/** What makes the difference, in the order in which it is looked for. */
const KEYS = ['override', 'repository', 'tag', 'suffix'] as const;

function ofCilium(facts: ScenarioFacts, moment: 'initial' | 'final'): Wanted[] {
  const { version } = facts.scenario.cilium;
  const defaults = chartValues(version);
  const values = mergeValues(defaults, facts.values[moment]);
  return CILIUM_IMAGE_SOURCES.flatMap((source): Wanted[] => {
    if (!source.used(version, values)) return [];
    const image = imageOfChart(values, source);
    if (image === undefined) return [];
    const own = moment === 'final' ? facts.scenario.cilium.finalValues : facts.scenario.cilium.values;
    const key = KEYS.find((name) => valueAt(own, `${source.path}.${name}`) !== undefined);
    const usual = imageOfChart(defaults, source)?.replace(/@.*$/, '');
    if (key === undefined) {
      const remedy = 'write a version whose images exist';
      return [{ image, where: facts.at('cilium.version'), what: `Cilium ${version}`, remedy }];
    }
    const path = `cilium.${moment === 'final' ? 'finalValues' : 'values'}.${source.path}.${key}`;
    const remedy = usual === undefined ? 'write one that exists' : `leave it out for ${usual}, the chart's own`;
    return [{ image, where: facts.at(path), what: `${source.path}.${key}`, remedy }];
  });
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
