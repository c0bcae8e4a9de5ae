import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choosePodCidr, chooseTunnelPort, NoFreeCidr } from '../../src/cni/choose.ts';
import { blocksIn, formatAddress, overlaps, parseCidr } from '../../src/cni/cidr.ts';

describe('choosing what the scenario leaves open', () => {
  test("the lab gets the walk-through's CIDR and port", () => {
    expect(choosePodCidr(['192.168.0.0/16', '10.96.0.0/16', '172.18.0.0/16'], 5, 24)).toBe('10.244.0.0/16');
    expect(chooseTunnelPort('vxlan', [4789])).toBe(8473);
    expect(chooseTunnelPort('geneve', [4789])).toBe(6081);
    expect(chooseTunnelPort('vxlan', [8473, 8474])).toBe(8475);
  });

  test('whatever is chosen is disjoint from all in use and has a block for every node', () => {
    const taken = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 16, max: 24 })).map(([base, prefix]) => {
        return `${formatAddress(base)}/${prefix}`;
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(taken, fc.integer({ min: 2, max: 10_001 }), fc.integer({ min: 24, max: 26 }), (used, nodes, mask) => {
        const chosen = parseCidr(choosePodCidr([...used, '10.244.0.0/16'], nodes, mask))!;
        for (const each of used) expect(overlaps(chosen, parseCidr(each)!)).toBe(false);
        expect(overlaps(chosen, parseCidr('10.244.0.0/16')!)).toBe(false);
        expect(blocksIn(chosen, mask)).toBeGreaterThanOrEqual(nodes);
      }),
    );
  });

  test('no room is said, with what is in the way', () => {
    const all = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
    expect(() => choosePodCidr(all, 5, 24)).toThrow(NoFreeCidr);
    expect(() => choosePodCidr(all, 5, 24)).toThrow(/172\.16\.0\.0\/12/);
  });
});
