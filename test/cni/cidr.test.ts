import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blocksIn,
  type Cidr,
  cidrSize,
  formatAddress,
  formatCidr,
  holdsAddress,
  overlaps,
  parseAddress,
  parseCidr,
} from '../../src/cni/cidr.ts';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const cidr = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([base, prefix]): Cidr => {
  return parseCidr(`${formatAddress(base)}/${prefix}`)!;
});

describe('CIDR arithmetic', () => {
  test('addresses and CIDRs survive being written and read', () => {
    fc.assert(fc.property(address, (value) => parseAddress(formatAddress(value)) === value));
    fc.assert(fc.property(cidr, (each) => formatCidr(parseCidr(formatCidr(each))!) === formatCidr(each)));
  });

  test('two CIDRs overlap exactly when one holds the first address of the other', () => {
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        const meet = holdsAddress(a, formatAddress(b.base)) || holdsAddress(b, formatAddress(a.base));
        expect(overlaps(a, b)).toBe(meet);
        expect(overlaps(b, a)).toBe(meet);
      }),
    );
  });

  test('a CIDR holds its first and last address and neither neighbour', () => {
    fc.assert(
      fc.property(cidr, (each) => {
        const last = each.base + cidrSize(each) - 1;
        expect(holdsAddress(each, formatAddress(each.base))).toBe(true);
        expect(holdsAddress(each, formatAddress(last))).toBe(true);
        if (each.base > 0) expect(holdsAddress(each, formatAddress(each.base - 1))).toBe(false);
        if (last < 2 ** 32 - 1) expect(holdsAddress(each, formatAddress(last + 1))).toBe(false);
      }),
    );
  });

  test.each([
    ['172.18.0.3/16', '172.18.0.0/16'],
    ['10.244.1.255/24', '10.244.1.0/24'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['1.2.3.4/0', '0.0.0.0/0'],
  ])('%s has its host bits cut off', (text, wanted) => expect(formatCidr(parseCidr(text)!)).toBe(wanted));

  test.each(['', '10.0.0.0', '10.0.0/8', '10.0.0.0/33', '256.0.0.0/8', 'fd00::/64', '10.0.0.0/8 '])(
    '"%s" is not a CIDR',
    (text) => expect(parseCidr(text)).toBeUndefined(),
  );

  test.each([
    ['10.244.0.0/16', 24, 256],
    ['10.244.0.0/24', 24, 1],
    ['10.244.0.0/25', 24, 0],
  ])('%s holds blocks of /%i: %i', (text, mask, blocks) => expect(blocksIn(parseCidr(text)!, mask)).toBe(blocks));
});
