/** Every rule of the contract exists once, in a file of its own, and refuses none of the bundled scenarios. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeScenario, lineOf } from '../../src/preflight/judge.ts';
import { RULES } from '../../src/preflight/rules/index.ts';
import { scenarioFacts } from '../../src/preflight/scenario-facts.ts';
import { readScenario } from '../../src/scenario/read.ts';
import { RULE_IDS } from '../../src/scenario/rule-ids.ts';
import type { Json, JsonObject } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';
import { factsOfScenario } from './facts.ts';

const RULES_FOLDER = path.resolve(import.meta.dirname, '../../src/preflight/rules');
const SCENARIOS = path.resolve(import.meta.dirname, '../../scenarios');

test('every id has exactly one rule, in the order of the ids, and a file and a test of its name', () => {
  expect(RULES.map(({ id }) => id)).toEqual([...RULE_IDS]);
  for (const { id } of RULES) {
    expect(existsSync(path.join(RULES_FOLDER, `${id}.ts`)), id).toBe(true);
    expect(existsSync(path.join(import.meta.dirname, 'rules', `${id}.test.ts`)), id).toBe(true);
  }
});

test('every rule judges something, and says what and why', () => {
  for (const rule of RULES) {
    expect(rule.judgeScenario ?? rule.judgeCluster, rule.id).toBeDefined();
    expect(rule.title, rule.id).toMatch(/^[A-Z].*\.$/);
    expect(rule.source, rule.id).not.toBe('');
  }
});

/** Brings a policy that cannot hold during a migration, which is what it is for. */
const REFUSED: Readonly<Record<string, readonly string[]>> = { 'workloads-policies.yaml': ['policy-across-cnis'] };
const bundled = readdirSync(SCENARIOS).filter((file) => file.endsWith('.yaml'));

test.each(bundled)('no rule refuses %s, or the one that it shows', (file) => {
  const results = judgeScenario(RULES, factsOfScenario(readScenario(path.join(SCENARIOS, file), file)));
  expect(results).toHaveLength(RULES.length);
  const refused = results.filter(({ outcome }) => outcome === 'refused');
  expect(refused.map(({ rule }) => rule)).toEqual(REFUSED[file] ?? []);
});

describe('whatever a user writes into the free parts of a scenario', () => {
  const json = fc.jsonValue({ maxDepth: 2, stringUnit: 'grapheme-ascii' }) as fc.Arbitrary<Json>;
  const text = fc.oneof(
    json,
    fc.constantFrom('10.1.0.0/16', '10.1.0.0', 'fd00::/64', '0.0.0.0/0', '10.1.0.0/33', 'eth.*', '('),
  );
  const pool = fc.oneof(json, fc.record({ cidr: text, encapsulation: text, disableNewAllocations: json }));
  const some = (keys: Record<string, fc.Arbitrary<Json>>): fc.Arbitrary<JsonObject> =>
    fc.record(keys, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
  const methods = some(
    Object.fromEntries(
      ['interface', 'skipInterface', 'canReach', 'firstFound', 'cidrs', 'kubernetes'].map((key) => [
        key,
        fc.oneof(text, fc.array(text)),
      ]),
    ),
  );
  const installation = some({
    calicoNetwork: fc.oneof(
      json,
      some({
        bgp: json,
        linuxDataplane: json,
        ipPools: fc.oneof(json, fc.array(pool)),
        nodeAddressAutodetectionV4: fc.oneof(json, methods),
        nodeAddressAutodetectionV6: json,
      }),
    ),
    cni: json,
  });
  const values = some({
    tunnelPort: json,
    tunnelProtocol: json,
    routingMode: json,
    kubeProxyReplacement: json,
    policyEnforcementMode: json,
    operator: json,
    daemon: json,
    bpf: json,
    image: json,
    ipv6: fc.oneof(json, some({ enabled: json })),
    cni: fc.oneof(json, some({ customConf: json, uninstall: json, install: json })),
    ipam: fc.oneof(
      json,
      some({
        mode: fc.oneof(json, fc.constantFrom('cluster-pool', 'multi-pool', 'kubernetes')),
        operator: fc.oneof(
          json,
          some({
            clusterPoolIPv4PodCIDRList: fc.oneof(text, fc.array(text)),
            clusterPoolIPv4MaskSize: json,
            autoCreateCiliumPodIPPools: json,
          }),
        ),
      }),
    ),
  });
  const felix = some({ vxlanPort: json, vxlanEnabled: json, bpfEnabled: json });

  test('every rule answers, in one line each', () => {
    const nothing = { notModelled: [], notModelledValues: [], irrelevantValues: [], unknownValues: [] };
    fc.assert(
      fc.property(installation, felix, values, values, fc.constantFrom('keep', 'NodeInternalIP'), (...drawn) => {
        const [spec, felixSpec, first, last, setAutodetection] = drawn;
        const facts = scenarioFacts({
          scenario: scenario({
            calico: { installation: spec, felix: felixSpec },
            cilium: { values: first, finalValues: last },
            migration: { setAutodetection: setAutodetection as 'keep' },
          } as never),
          provider: 'twin',
          review: nothing,
          imageExists: () => 'unknown',
        });
        for (const { collisions } of judgeScenario(RULES, facts)) {
          for (const collision of collisions) expect(lineOf(collision)).not.toMatch(/[\r\n]/);
        }
      }),
      {
        numRuns: 300,
        examples: [
          [{}, { vxlanPort: { toString: false } }, {}, {}, 'keep'],
          [{}, {}, { ipam: { mode: { toString: null } } }, {}, 'keep'],
        ] as never,
      },
    );
  });
});
