import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contains,
  formatAddress,
  maskOf,
  type Prefix,
  PrefixMap,
  parseAddress,
  parsePrefix,
} from '../../../src/twin/network/address.ts';
import { formatRoute, parseRoute, RouteTable } from '../../../src/twin/network/routes.ts';
import { MOMENTS, type Moment, mainRoutes, NODES, recordedText } from './recorded.ts';

/** Addresses and prefixes from a small part of the space, so that they meet. */
const address = fc.integer({ min: 0, max: 255 }).map((low) => (0x0af40000 + low * 0x111) >>> 0);
const prefix = fc
  .tuple(address, fc.integer({ min: 0, max: 32 }))
  .map(([base, length]): Prefix => ({ base: (base & maskOf(length)) >>> 0, length }));

describe('longest prefix match', () => {
  test('agrees with a search through all prefixes, also after deletions', () => {
    const operations = fc.array(fc.record({ prefix, remove: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(operations, fc.array(address, { minLength: 1, maxLength: 20 }), (steps, asked) => {
        const map = new PrefixMap<number>();
        const all = new Map<string, { prefix: Prefix; value: number }>();
        steps.forEach((step, value) => {
          const key = `${step.prefix.base}/${step.prefix.length}`;
          if (step.remove) {
            expect(map.delete(step.prefix)).toBe(all.delete(key));
          } else {
            map.set(step.prefix, value);
            all.set(key, { prefix: step.prefix, value });
          }
        });
        for (const one of asked) {
          const best = [...all.values()]
            .filter((entry) => contains(entry.prefix, one))
            .sort((a, b) => b.prefix.length - a.prefix.length)[0];
          expect(map.longest(one)).toBe(best?.value);
        }
      }),
    );
  });

  test('addresses survive being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => parseAddress(formatAddress(value)) === value),
    );
  });

  test.each(['1.2.3', '256.1.1.1', '1.2.3.4/33', 'fe80::1', ''])('refuses %s', (text) => {
    expect(() => parsePrefix(text)).toThrow();
  });
});

describe('route texts', () => {
  const recorded = (Object.keys(MOMENTS).map(Number) as Moment[]).flatMap((moment) =>
    NODES.map((node) => ({ moment, node, lines: mainRoutes(recordedText(moment, `${node}.ip-route.txt`)) })),
  );

  test.each(recorded)(
    'every recorded route of $node at moment $moment is printed as it was read, in ip route’s order',
    ({ lines }) => {
      const table = new RouteTable();
      for (const line of [...lines].reverse()) table.replace(parseRoute(line));
      expect(table.list().map(formatRoute)).toEqual(lines);
    },
  );

  test.each([
    ['192.168.31.0/26 via 192.168.31.0 dev vxlan.calico onlink mtu 1450'],
    ['192.168.31.0 dev vxlan.calico scope link mtu 1450'],
    ['unreachable 10.0.0.0/8 metric 4278198272'],
    ['default via 172.18.0.1 dev eth0 mtu 1400'],
  ])('%s', (line) => {
    expect(formatRoute(parseRoute(line))).toBe(line);
  });

  test('an unknown keyword is refused', () => {
    expect(() => parseRoute('10.0.0.0/8 nexthop via 1.2.3.4')).toThrow('nexthop');
  });

  test('of two metrics the lower one serves', () => {
    const table = new RouteTable();
    table.replace(parseRoute('10.0.0.0/8 dev a metric 200'));
    table.replace(parseRoute('10.0.0.0/8 dev b metric 100'));
    expect(table.lookup(parseAddress('10.1.1.1'))?.device).toBe('b');
  });
});
