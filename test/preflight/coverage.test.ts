import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, holdsAddress, parseCidr } from '../../src/cni/cidr.ts';
import { type Block, uncovered } from '../../src/preflight/coverage.ts';

const block = (cidr: string, ...except: string[]): Block => ({ cidr, except });

test.each<[string, Block[], boolean]>([
  ['the CIDR itself', [block('10.0.0.0/16')], true],
  ['a larger one', [block('0.0.0.0/0')], true],
  ['a part', [block('10.0.0.0/17')], false],
  ['two halves', [block('10.0.0.0/17'), block('10.0.128.0/17')], true],
  ['a hole inside', [block('10.0.0.0/8', '10.0.5.0/24')], false],
  ['a hole that another block fills', [block('10.0.0.0/8', '10.0.5.0/24'), block('10.0.5.0/24')], true],
  ['a hole outside', [block('10.0.0.0/8', '10.1.0.0/16')], true],
  ['nothing', [], false],
  ['another family', [block('fd00::/8')], false],
])('10.0.0.0/16 by %s', (_, blocks, covered) => {
  expect(uncovered(['10.0.0.0/16'], blocks)).toEqual(covered ? [] : ['10.0.0.0/16']);
});

test('what is not IPv4 is nobody’s to cover', () => {
  expect(uncovered(['fd00::/8', '10.0.0.0/8'], [])).toEqual(['10.0.0.0/8']);
});

test('agrees with looking at every address of a small network', () => {
  const cidr = fc
    .tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 27, max: 32 }))
    .map(([host, prefix]) => `10.0.0.${host - (host % 2 ** (32 - prefix))}/${prefix}`);
  const blocks = fc.array(fc.record({ cidr, except: fc.array(cidr, { maxLength: 2 }) }), { maxLength: 4 });
  fc.assert(
    fc.property(cidr, blocks, (wanted, given) => {
      const { base, prefix } = parseCidr(wanted)!;
      const all = Array.from({ length: 2 ** (32 - prefix) }, (_, index) => formatAddress(base + index));
      const within = (text: string, address: string): boolean => holdsAddress(parseCidr(text)!, address);
      const covered = all.every((address) =>
        given.some((one) => within(one.cidr, address) && !one.except.some((hole) => within(hole, address))),
      );
      expect(uncovered([wanted], given)).toEqual(covered ? [] : [wanted]);
    }),
  );
});
