/** Combinations of versions that the projects themselves do not test; they may work, so this is only told. */
import semver from 'semver';
import { verifiedCiliumVersions } from '../../cni/images.ts';
import {
  CALICO_TESTED_WITH,
  CILIUM_TESTED_WITH,
  placeIn,
  rangeText,
  type TestedWith,
  testedWith,
} from '../../cni/tested-with.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const versionsUntested: Rule = {
  id: 'versions-untested',
  title: 'Kubernetes, Calico and Cilium are versions that their projects test together.',
  severity: 'finding',
  source: [...CILIUM_TESTED_WITH, ...CALICO_TESTED_WITH].map(({ line, source }) => `${line}: ${source}`).join('; '),
  judgeScenario: (facts) => [
    ...range(facts, 'Cilium', 'cilium.version', facts.scenario.cilium.version, CILIUM_TESTED_WITH),
    ...range(facts, 'Calico', 'calico.version', facts.scenario.calico.version, CALICO_TESTED_WITH),
    ...preRelease(facts),
    ...beyondData(facts),
    ...image(facts),
  ],
};

function range(
  facts: ScenarioFacts,
  name: string,
  path: string,
  version: string,
  table: readonly TestedWith[],
): Collision[] {
  const kubernetes = facts.scenario.kubernetes.version;
  // A line that is not in the table is one whose range was not found: nothing can be said of it.
  const row = testedWith(table, version);
  const place = row === undefined ? 'within' : placeIn(row, kubernetes);
  if (row === undefined || place === 'within') return [];
  return [
    {
      where: facts.at(path),
      message: `${name} ${version} is tested with Kubernetes ${rangeText(row)}, and kubernetes.version is ${kubernetes}; it may work, to be sure write kubernetes.version: "1.${place === 'above' ? row.to : row.from}" or another ${path}`,
      subjects: [`${name} ${version}`, `Kubernetes ${kubernetes}`],
    },
  ];
}

function preRelease(facts: ScenarioFacts): Collision[] {
  const { version } = facts.scenario.cilium;
  const pre = semver.prerelease(version);
  if (pre === null) return [];
  return [
    {
      where: facts.at('cilium.version'),
      message: `${version} is a pre-release, which is tested with no released Calico or Kubernetes; write a released version for a rehearsal that counts`,
      subjects: [`Cilium ${version}`],
    },
  ];
}

/** A chart that is not bundled: on a real cluster it runs all the same, but nobody has tried this rehearsal with it. */
function beyondData(facts: ScenarioFacts): Collision[] {
  const { version } = facts.scenario.cilium;
  const verified = verifiedCiliumVersions();
  if (facts.provider !== 'kind' || semver.prerelease(version) !== null || verified.includes(version)) return [];
  return [
    {
      where: facts.at('cilium.version'),
      message: `the facts that this rehearsal rests on were verified with Cilium ${verified.join(', ')}, and not with ${version}; it may work, to be sure write one of those`,
      subjects: [`Cilium ${version}`],
    },
  ];
}

/** An image of another minor runs another Kubernetes than the one whose API is reckoned with. */
function image(facts: ScenarioFacts): Collision[] {
  const { version, image: given } = facts.scenario.kubernetes;
  const tag = /:v?(\d+\.\d+\.\d+)/.exec(given ?? '')?.[1];
  if (given === null || tag === undefined || tag === version.replace(/^v/, '')) return [];
  return [
    {
      where: facts.at('kubernetes.image'),
      message: `the node image ${given} runs Kubernetes ${tag}, kubernetes.version is ${version}; write the version of the image`,
      subjects: [given],
    },
  ];
}
