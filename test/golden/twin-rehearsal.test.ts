/**
 * A rehearsal on the twin leaves the same traces on nodes and in the API as the recorded migration of a real cluster, at
 * four moments. Where the two may differ is one table with reasons: normalise.ts.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../src/kube/objects.ts';
import { recordedFacts } from './from-recording.ts';
import { rehearse } from './from-twin.ts';
import { MUTATIONS } from './mutations.ts';
import { NORMALISATIONS, normalised, normalisedSections } from './normalise.ts';
import { isWithin, rolesOf } from './roles.ts';
import { type ClusterFacts, MOMENTS, type Moment, type Section, sectionsOf } from './state.ts';

/** With 4, eth0 of a node comes between Cilium's devices. */
const SEEDS = [1, 2, 4];
const rehearsals = new Map<number, Map<Moment, ClusterFacts>>();
const twin = (seed: number, moment: Moment): ClusterFacts => rehearsals.get(seed)!.get(moment)!;

beforeAll(async () => {
  for (const seed of SEEDS) rehearsals.set(seed, await rehearse(seed));
}, 120_000);

/** Sections in the form in which a difference is read best. */
const shown = (sections: readonly Section[]): Record<string, readonly string[]> =>
  Object.fromEntries(sections.map(({ kind, node, lines }) => [`${kind} of ${node}`, lines]));

describe.each(SEEDS)('seed %i', (seed) => {
  it.each(MOMENTS)('leaves what was recorded at moment %i', (moment) => {
    expect(shown(normalised(twin(seed, moment)))).toEqual(shown(normalised(recordedFacts(moment))));
  });
});

/** What the table reduces to one line each is counted here, against the cluster's own pods. */
describe.each([
  ['recorded', (moment: Moment) => recordedFacts(moment)],
  ['twin', (moment: Moment) => twin(1, moment)],
] as const)('%s cluster', (_origin, facts) => {
  const cases = MOMENTS.flatMap((moment) =>
    ['kind-control-plane', 'kind-worker', 'kind-worker2'].map((node) => [moment, node] as const),
  );
  it.each(cases)('has at moment %i on %s one device, route and endpoint for each pod', (moment, name) => {
    const state = facts(moment);
    const node = state.nodes.find((candidate) => candidate.name === name)!;
    const { block, podCidr } = rolesOf(state).find((roles) => roles.node === name)!;
    const inNetwork = (pod: Pod): boolean =>
      pod.spec?.nodeName === name && pod.spec.hostNetwork !== true && pod.status?.podIP !== undefined;
    const addresses = state.pods.filter(inNetwork).map((pod) => pod.status!.podIP!);
    const onCalico = addresses.filter((ip) => isWithin(block, ip)).sort();
    const onCilium = addresses.filter((ip) => isWithin(podCidr, ip)).sort();
    expect(onCalico.length + onCilium.length).toBe(addresses.length);

    const devices = (form: RegExp): string[] => node.links.map((link) => link.name).filter((link) => form.test(link));
    const cali = devices(/^cali[0-9a-f]{11}$/);
    expect(devices(/^lxc[0-9a-f]{12}$/)).toHaveLength(onCilium.length);
    expect(cali).toHaveLength(onCalico.length);
    const routes = node.routes.filter((route) => / dev cali/.test(route)).map((route) => route.split(' '));
    expect(routes.map(([destination]) => destination).sort()).toEqual(onCalico);
    expect(routes.map(([, , device]) => device).sort()).toEqual([...cali].sort());

    const own = state.apiNodes.find((item) => item.metadata.name === name)!.status!.addresses![0]!.address;
    const endpoints = state.ciliumEndpoints.map(
      (item) => (item.status as { networking: { node: string; addressing: { ipv4: string }[] } }).networking,
    );
    const here = endpoints.filter((networking) => networking.node === own);
    expect(here.flatMap(({ addressing }) => addressing.map(({ ipv4 }) => ipv4)).sort()).toEqual(onCilium);
  });
});

describe('the table of differences', () => {
  const differs = (table: typeof NORMALISATIONS): boolean =>
    MOMENTS.some((moment) => {
      const recorded = JSON.stringify(normalised(recordedFacts(moment), table));
      return SEEDS.some((seed) => JSON.stringify(normalised(twin(seed, moment), table)) !== recorded);
    });

  it.each(NORMALISATIONS.flatMap((line) => line.where.map((kind) => ({ line, what: line.what, kind }))))(
    'needs "$what" in $kind',
    ({ line, kind }) => {
      const where = line.where.filter((other) => other !== kind);
      expect(differs(NORMALISATIONS.map((other) => (other === line ? { ...line, where } : other)))).toBe(true);
    },
  );

  it('gives every line a reason', () => {
    for (const { reason } of NORMALISATIONS) expect(reason).toMatch(/^.{12,}\.$/s);
  });

  it.each(MUTATIONS)('does not hide at moment $moment: $what', ({ moment, kind, node, change }) => {
    const facts = twin(1, moment);
    const sections = sectionsOf(facts);
    const changed = sections.map((section) => {
      if (section.kind !== kind || section.node !== node) return section;
      const lines = change(section.lines);
      expect(lines).not.toEqual(section.lines);
      return { ...section, lines };
    });
    const recorded = normalised(recordedFacts(moment));
    expect(normalisedSections(facts, sections)).toEqual(recorded);
    expect(normalisedSections(facts, changed)).not.toEqual(recorded);
  });
});
