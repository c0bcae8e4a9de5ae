/** Jobs from scenarios and versions: held against the support tables, the providers, the runner and the cap. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CALICO_TESTED_WITH, CILIUM_TESTED_WITH } from '../../src/cni/tested-with.ts';
import { capped } from '../../src/matrix/cap.ts';
import { minorOf } from '../../src/matrix/expression.ts';
import { parseFilter } from '../../src/matrix/filter.ts';
import { AXES, type Job } from '../../src/matrix/job.ts';
import { type MatrixRequest, planMatrix, type ScenarioFacts } from '../../src/matrix/plan.ts';
import { kubernetesFor, supportOf } from '../../src/matrix/support.ts';
import { knownVersions, twinVersions } from '../../src/scenario/versions.ts';

const LAB: ScenarioFacts = {
  scenario: 'lab',
  providers: ['twin', 'kind'],
  nodes: 5,
  cilium: '1.19.6',
  calico: '3.31.7',
  kubernetes: '1.34.11',
  ownImage: false,
};
const HUNDRED: ScenarioFacts = { ...LAB, scenario: 'hundred', providers: ['twin'], nodes: 101 };

const BUNDLED = {
  cilium: twinVersions('cilium'),
  calico: twinVersions('calico'),
  kubernetes: knownVersions('kubernetes'),
};

interface Asked {
  readonly scenarios?: readonly ScenarioFacts[];
  readonly provider?: string;
  readonly available?: MatrixRequest['available'];
  readonly cilium?: readonly string[];
  readonly calico?: readonly string[];
  readonly kubernetes?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly set?: readonly string[];
  readonly maxJobs?: number;
}

function plan({
  cilium = [],
  calico = [],
  kubernetes = [],
  include = [],
  exclude = [],
  provider,
  ...rest
}: Asked = {}) {
  return planMatrix({
    ...{ scenarios: [LAB], available: BUNDLED, maxJobs: 256, set: [], allow: [], fault: [], seed: 1 },
    provider: provider === 'kind' ? 'kind' : 'twin',
    expressions: { cilium, calico, kubernetes },
    include: include.map((text) => parseFilter('--include', text)),
    exclude: exclude.map((text) => parseFilter('--exclude', text)),
    source: { cilium: 'bundled', detail: 'test' },
    ...rest,
  });
}

const pairs = (jobs: readonly Job[]): string[] =>
  jobs.map(({ cilium, calico }) => `${minorOf(cilium)} ${minorOf(calico)}`);

describe('the support tables', () => {
  const all = plan({ cilium: ['last-7'], calico: ['last-6'] });

  test('every pair of a Cilium minor and a Calico line is a job or is left out with its reason', () => {
    expect(all.jobs.length + all.excluded.length).toBe(7 * 6);
    expect(
      all.excluded.every(({ reason }) =>
        /^no Kubernetes of which a node image is known is tested with both: Cilium .*, Calico /.test(reason),
      ),
    ).toBe(true);
  });

  test('a pair is left out exactly where the two ranges have no Kubernetes in common', () => {
    const range = (table: typeof CILIUM_TESTED_WITH, version: string): [number, number] => {
      const row = table.find(({ line }) => line === minorOf(version));
      return [row?.from ?? 0, row?.to ?? 99];
    };
    for (const cilium of BUNDLED.cilium) {
      for (const calico of BUNDLED.calico) {
        const [from, to] = range(CILIUM_TESTED_WITH, cilium);
        const [since, until] = range(CALICO_TESTED_WITH, calico);
        const common = BUNDLED.kubernetes.some((version) => {
          const minor = Number(version.split('.')[1]);
          return minor >= Math.max(from, since) && minor <= Math.min(to, until);
        });
        expect(pairs(all.jobs).includes(`${minorOf(cilium)} ${minorOf(calico)}`), `${cilium} ${calico}`).toBe(common);
      }
    }
  });

  // Cilium's documentation, network/kubernetes/compatibility of each minor; beside a Calico line of which no range is known.
  test.each([
    ['1.15', 26, 29],
    ['1.16', 27, 30],
    ['1.17', 29, 32],
    ['1.18', 30, 33],
    ['1.19', 31, 34],
  ])('Cilium %s is tested with Kubernetes 1.%i to 1.%i and no other', (cilium, from, to) => {
    for (let minor = 20; minor < 40; minor++) {
      const wanted = minor >= from && minor <= to ? 'unknown' : 'untested';
      expect(supportOf({ cilium: `${cilium}.0`, calico: '3.30.7' }, `1.${minor}.1`), `1.${minor}`).toBe(wanted);
    }
  });

  test('these are the pairs that are rehearsed', () => {
    expect(pairs(all.jobs)).toEqual([
      ...['1.20 3.32', '1.20 3.31', '1.20 3.30', '1.20 3.29', '1.20 3.28', '1.20 3.25'],
      ...['1.19 3.32', '1.19 3.31', '1.19 3.30', '1.19 3.29'],
      ...['1.18 3.31', '1.18 3.30', '1.18 3.29', '1.18 3.28'],
      ...['1.17 3.31', '1.17 3.30', '1.17 3.29', '1.17 3.28'],
      ...['1.16 3.30', '1.16 3.29', '1.16 3.28', '1.16 3.25'],
      ...['1.15 3.30', '1.15 3.29', '1.15 3.28', '1.15 3.25'],
    ]);
  });

  test('each job runs on a Kubernetes that is tested with both, the scenario’s own where that is', () => {
    for (const job of all.jobs) {
      expect(supportOf(job, job.kubernetes), job.name).not.toBe('untested');
      if (supportOf(job, LAB.kubernetes) !== 'untested') expect(job.kubernetes).toBe(LAB.kubernetes);
    }
  });

  test('a Kubernetes is the newest of those that fit when the preferred one does not', () => {
    expect(kubernetesFor({ cilium: '1.15.19', calico: '3.28.5' }, '1.34.11', BUNDLED.kubernetes)).toEqual({
      version: '1.29.14',
    });
  });

  test('a pre-release that no table knows is unknown, and rehearsed', () => {
    const cilium = ['1.21.0-pre.0', ...BUNDLED.cilium];
    const { jobs } = plan({ cilium: ['next'], available: { ...BUNDLED, cilium } });
    expect(jobs).toMatchObject([{ cilium: '1.21.0-pre.0', support: 'unknown', kubernetes: '1.34.11' }]);
  });

  test('asked for by name, an untested Kubernetes is left out, or rehearsed when it is asked for as such', () => {
    const asked = { cilium: ['1.15'], kubernetes: ['1.34'] };
    expect(plan(asked)).toMatchObject({
      jobs: [],
      excluded: [{ reason: expect.stringMatching(/Cilium 1\.15 with 1\.26 to 1\.29.*--include support=untested/) }],
    });
    expect(plan({ ...asked, include: ['support=untested'] }).jobs).toMatchObject([
      { support: 'untested', kubernetes: '1.34.11' },
    ]);
    const whole = plan({
      cilium: ['last-7'],
      calico: ['last-6'],
      include: ['support=untested', 'support=tested', 'support=unknown'],
    });
    expect(whole).toMatchObject({ excluded: [] });
    expect(whole.jobs).toHaveLength(42);
  });
});

describe('what cannot work', () => {
  test.each([
    [
      'a scenario for another provider',
      { scenarios: [HUNDRED], provider: 'kind' },
      /not meant for the provider kind; its providers are twin/,
    ],
    [
      'a cluster too large for a hosted runner',
      { scenarios: [{ ...LAB, nodes: 9 }], provider: 'kind' },
      /9 nodes are too many for a hosted runner/,
    ],
    [
      'a Cilium without data',
      { scenarios: [{ ...LAB, cilium: '1.19.3' }] },
      /Cilium 1\.19\.3 cannot be had on the provider twin/,
    ],
    ['a Calico that is not bundled', { scenarios: [{ ...LAB, calico: '3.27.0' }] }, /Calico 3\.27\.0 cannot be had/],
    [
      'a Cilium without CiliumNodeConfig',
      { cilium: ['1.12'], available: { ...BUNDLED, cilium: knownVersions('cilium') } },
      /no CiliumNodeConfig/,
    ],
    [
      'another Kubernetes than the image of the scenario',
      { scenarios: [{ ...LAB, ownImage: true }], kubernetes: ['1.33'] },
      /node image of its own, of Kubernetes 1\.34\.11/,
    ],
  ])('%s', (_what, request, reason) => {
    expect(plan(request)).toMatchObject({ jobs: [], excluded: [{ reason: expect.stringMatching(reason) }] });
  });

  test.each([8, 1])('%i nodes on kind are a job', (nodes) => {
    expect(plan({ scenarios: [{ ...LAB, nodes }], provider: 'kind' }).jobs).toHaveLength(1);
  });

  test('on the twin a hundred nodes are a job', () => {
    expect(plan({ scenarios: [HUNDRED] }).jobs).toHaveLength(1);
  });
});

describe('filters', () => {
  const asked = { cilium: ['last-3'], calico: ['3.31', '3.30'] };

  test.each([
    [{ include: ['cilium=1.19'] }, ['1.19 3.31', '1.19 3.30']],
    [{ include: ['cilium=1.19', 'cilium=1.20.0'] }, ['1.20 3.31', '1.20 3.30', '1.19 3.31', '1.19 3.30']],
    [{ include: ['cilium=1.19', 'calico=v3.31.7'] }, ['1.19 3.31']],
    [{ exclude: ['cilium=1.20', 'calico=3.30'] }, ['1.19 3.31', '1.18 3.31']],
    [{ exclude: ['cilium=1.20,calico=3.30'] }, ['1.20 3.31', '1.19 3.31', '1.19 3.30', '1.18 3.31', '1.18 3.30']],
    [{ include: ['scenario=ha'] }, []],
  ])('%j', (filters, expected) => {
    const { jobs, excluded } = plan({ ...asked, ...filters });
    expect(pairs(jobs)).toEqual(expected);
    expect(jobs.length + excluded.length).toBe(6);
    expect(excluded.every(({ reason }) => /--(in|ex)clude /.test(reason))).toBe(true);
  });

  test('1.1 is no prefix of 1.19', () => {
    expect(plan({ ...asked, include: ['cilium=1.1'] }).jobs).toEqual([]);
  });

  test('an exclude that matches nothing is told', () => {
    expect(plan({ ...asked, exclude: ['cilium=1.15'] }).notes).toEqual([
      '--exclude cilium=1.15 matches no combination',
    ]);
  });

  test.each([
    ['cilum=1.19', /there is no key cilum; did you mean cilium\?/],
    ['cilium', /KEY=VALUE is wanted/],
    ['=1', /KEY=VALUE is wanted/],
    ['cilium=', /KEY=VALUE is wanted/],
  ])('%s is refused', (text, message) => {
    expect(() => parseFilter('--include', text)).toThrow(message);
  });
});

test('what makes a job of the scenario is what differs from it, after what --set gave', () => {
  const { jobs } = plan({ cilium: ['1.15', '1.19'], calico: ['3.28', '3.31'], set: ['cluster.workers=2'] });
  expect(jobs.map(({ name, set }) => [name, set.split('\n')])).toEqual([
    [
      'lab, Cilium 1.15.19, Calico 3.28.5, Kubernetes 1.29.14',
      ['cluster.workers=2', 'kubernetes.version=1.29.14', 'calico.version=3.28.5', 'cilium.version=1.15.19'],
    ],
    ['lab, Cilium 1.19.6, Calico 3.31.7, Kubernetes 1.34.11', ['cluster.workers=2']],
  ]);
});

test('ids are unique and plain, also of files that differ in nothing else', () => {
  const scenarios = ['a/b.yaml', 'a b.yaml', 'A-b.yml'].map((scenario) => ({ ...LAB, scenario }));
  const ids = plan({ scenarios }).jobs.map(({ id }) => id.toLowerCase());
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9._-]+$/);
});

test('an id has room in the name of a file, however long the path of its scenario is', () => {
  const scenarios = ['x', 'y'].map((end) => ({ ...LAB, scenario: `${'deep/'.repeat(100)}${end}.yaml` }));
  const same = { ...LAB, scenario: `other/${'deep/'.repeat(100)}x.yaml` };
  const ids = plan({ scenarios: [...scenarios, same] }).jobs.map(({ id }) => id);
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id.length).toBeLessThan(160);
  expect(ids[0]).toMatch(/deep-x-cilium-1\.19\.6-/);
});

test('the same expression twice makes no job twice', () => {
  expect(plan({ cilium: ['1.19', 'last-2', '1.19.6'] }).jobs).toHaveLength(2);
});

test('the cap keeps every scenario and version that it has room for', () => {
  const job = fc.record({
    scenario: fc.constantFrom('a', 'b', 'c'),
    cilium: fc.constantFrom('1', '2', '3'),
    calico: fc.constantFrom('1', '2'),
    kubernetes: fc.constantFrom('1', '2'),
  });
  fc.assert(
    fc.property(fc.array(job, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 30 }), (cells, most) => {
      const jobs = cells.map((cell, index) => ({ ...cell, id: String(index) }) as Job);
      const { kept, dropped } = capped(jobs, most);
      expect(kept).toHaveLength(Math.min(most, jobs.length));
      expect([...kept, ...dropped].map(({ id }) => id).sort()).toEqual(jobs.map(({ id }) => id).sort());
      expect(kept.map(({ id }) => Number(id))).toEqual(kept.map(({ id }) => Number(id)).sort((a, b) => a - b));
      // One job can bring at least one value that was not there; so many jobs as values are enough for all.
      const values = new Set(jobs.flatMap((one) => AXES.map((axis) => `${axis}=${one[axis]}`)));
      const covered = new Set(kept.flatMap((one) => AXES.map((axis) => `${axis}=${one[axis]}`)));
      if (most >= values.size) expect(covered).toEqual(values);
    }),
  );
  const { jobs, excluded } = plan({ cilium: ['last-3'], calico: ['3.31', '3.30'], maxJobs: 3 });
  expect(pairs(jobs)).toEqual(['1.20 3.31', '1.19 3.31', '1.18 3.30']);
  expect(excluded.map(({ reason }) => reason)).toEqual(Array(3).fill('over the cap of 3 jobs'));
});
