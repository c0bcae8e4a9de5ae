/** Felix's chains say what the NetworkPolicy says; the other reading of the policy is network/network-policy.ts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NetworkPolicy } from '../../../../src/kube/objects.ts';
import { policyCompiler } from '../../../../src/twin/actors/calico/node/policies.ts';
import { RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { contains, formatAddress, parseAddress, parsePrefix } from '../../../../src/twin/network/address.ts';
import { evaluateHook } from '../../../../src/twin/network/iptables-evaluate.ts';
import { IptablesTables } from '../../../../src/twin/network/iptables-tables.ts';
import type { PodAttachment } from '../../../../src/twin/network/network.ts';
import { networkPolicies } from '../../../../src/twin/network/network-policy.ts';
import { fakeWorld } from './fake-world.ts';

/** A small space, so that blocks, exceptions and sources meet all the time. */
const address = fc.integer({ min: 0, max: 255 }).map((low) => formatAddress(parseAddress('10.0.0.0') + low));
const block = fc.tuple(address, fc.integer({ min: 24, max: 32 })).map(([ip, length]) => {
  const { base } = parsePrefix(`${ip}/${length}`);
  return `${formatAddress(base)}/${length}`;
});
const ipBlock = block.chain((cidr) =>
  fc.record({
    cidr: fc.constant(cidr),
    except: fc.array(
      block.filter((inner) => {
        const [outer, within] = [parsePrefix(cidr), parsePrefix(inner)];
        return within.length >= outer.length && contains(outer, within.base);
      }),
      { maxLength: 3 },
    ),
  }),
);
const rule = fc.record({
  from: fc.array(fc.record({ ipBlock }), { maxLength: 3 }),
  ports: fc.array(fc.record({ port: fc.constantFrom(80, 81, 82) }), { maxLength: 2 }),
});
const policy = fc.array(rule, { maxLength: 4 });

test('ipBlocks, their exceptions and ports, in any number of rules and policies', () => {
  fc.assert(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 2 }),
      fc.array(fc.tuple(address, fc.constantFrom(80, 81, 82, 83)), { minLength: 1, maxLength: 20 }),
      (specs, asked) => {
        const fake = fakeWorld(['kind-worker']);
        const policies = specs.map(
          (ingress, i): NetworkPolicy => ({
            apiVersion: 'networking.k8s.io/v1',
            kind: 'NetworkPolicy',
            metadata: { name: `p${i}`, namespace: 'default' },
            spec: { podSelector: {}, policyTypes: ['Ingress'], ingress } as NonNullable<NetworkPolicy['spec']>,
          }),
        );
        for (const each of policies) fake.store.create<NetworkPolicy>(RESOURCES.policies, each);
        const { ingress: names, chains } = policyCompiler(fake.world).of('default', {});
        const tables = new IptablesTables();
        for (const chain of chains.keys()) tables.addChain('filter', chain);
        for (const rules of chains.values()) for (const text of rules) tables.addRule('filter', text, false);
        // As endpoints.ts jumps: a policy that accepts ends the walk.
        for (const chain of chains.keys()) {
          tables.addRule('filter', `-A FORWARD -j ${chain}`, false);
          tables.addRule('filter', '-A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT', false);
        }
        tables.addRule('filter', '-A FORWARD -j DROP', false);
        expect(names).toHaveLength(policies.length);

        const endpoint = { namespace: 'default', labels: {}, name: 'p', cni: 'calico' } as unknown as PodAttachment;
        const answer = networkPolicies({ policies: () => policies, namespaceLabels: () => ({}) });
        for (const [ip, port] of asked) {
          const verdict = evaluateHook(
            tables.chains('filter'),
            'FORWARD',
            {
              host: {
                node: 'kind-worker',
                isLocal: () => false,
                isLocalOn: () => false,
                addressSet: () => undefined,
                deviceTowards: () => 'eth0',
                random: () => 0,
              },
              packet: {
                src: parseAddress(ip),
                dst: parseAddress('10.1.0.1'),
                sport: 40_000,
                dport: port,
                protocol: 'tcp',
                mark: 0,
                reply: false,
                fromHost: false,
              },
              inDevice: 'eth0',
              outDevice: 'cali1',
              state: 'NEW',
              sourceTranslated: false,
              destinationTranslated: false,
            },
            { notrack: false },
          );
          const said = answer({
            direction: 'ingress',
            endpoint,
            peer: { kind: 'world', ip },
            port,
            enforcedBy: 'calico',
          });
          expect(verdict.kind, `${ip}:${port}`).toBe(said === 'allow' ? 'accept' : 'drop');
        }
      },
    ),
  );
});
