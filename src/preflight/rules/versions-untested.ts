/** Combinations of versions that the projects themselves do not test; they may work, so this is only told. */
import semver from 'semver';
import { verifiedCiliumVersions } from '../../cni/images.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

/** Kubernetes minors (1.x) that a release line is tested with; undefined: that end was not found. */
interface Tested {
  readonly line: string;
  readonly from?: number;
  readonly to?: number;
  readonly source: string;
}

const CILIUM: readonly Tested[] = [
  { line: '1.14', from: 19, to: 27, source: 'cilium Documentation, July 2023' },
  { line: '1.15', from: 26, to: 29, source: 'cilium v1.15 Documentation, Kubernetes compatibility' },
  { line: '1.16', from: 27, to: 30, source: 'cilium v1.16 Documentation' },
  { line: '1.17', from: 29, to: 32, source: 'cilium v1.17 Documentation' },
  { line: '1.18', from: 30, to: 33, source: 'cilium v1.18 Documentation' },
  { line: '1.19', from: 31, to: 34, source: 'cilium v1.19 Documentation' },
  { line: '1.20', to: 35, source: 'cilium pull 44516; the lower end was not found' },
];

const CALICO: readonly Tested[] = [
  { line: '3.25', from: 23, to: 28, source: 'tigera/docs version-3.25 requirements.mdx' },
  { line: '3.28', from: 27, to: 30, source: 'tigera/docs version-3.28 requirements.mdx' },
  { line: '3.29', from: 29, to: 32, source: 'projectcalico/calico discussion 11717' },
  {
    line: '3.31',
    from: 32,
    to: 35,
    source:
      'projectcalico/calico discussion 11717; the upper end from release notes that quote the vendor (Rusty-Gopher/kupre v0.5.0)',
  },
  { line: '3.32', from: 34, to: 36, source: 'release notes that quote the vendor (Rusty-Gopher/kupre v0.5.0)' },
];

export const versionsUntested: Rule = {
  id: 'versions-untested',
  title: 'Kubernetes, Calico and Cilium are versions that their projects test together.',
  severity: 'finding',
  source: [...CILIUM, ...CALICO].map(({ line, source }) => `${line}: ${source}`).join('; '),
  judgeScenario: (facts) => [
    ...range(facts, 'Cilium', 'cilium.version', facts.scenario.cilium.version, CILIUM),
    ...range(facts, 'Calico', 'calico.version', facts.scenario.calico.version, CALICO),
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
  table: readonly Tested[],
): Collision[] {
  const parsed = semver.coerce(version);
  const kubernetes = semver.coerce(facts.scenario.kubernetes.version);
  if (parsed === null || kubernetes === null) return [];
  // A line that is not in the table is one whose range was not found: nothing can be said of it.
  const tested = table.find(({ line }) => line === `${parsed.major}.${parsed.minor}`);
  const below = tested?.from !== undefined && kubernetes.minor < tested.from;
  const above = tested?.to !== undefined && kubernetes.minor > tested.to;
  if (tested === undefined || !(below || above)) return [];
  const known = tested.from === undefined ? `up to 1.${tested.to}` : `1.${tested.from} to 1.${tested.to}`;
  return [
    {
      where: facts.at(path),
      message: `${name} ${version} is tested with Kubernetes ${known}, and kubernetes.version is ${facts.scenario.kubernetes.version}; it may work, to be sure write kubernetes.version: "1.${above ? tested.to : tested.from}" or another ${path}`,
      subjects: [`${name} ${version}`, `Kubernetes ${facts.scenario.kubernetes.version}`],
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
