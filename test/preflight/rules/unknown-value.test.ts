import { expect, test } from 'vitest';
import { unknownValue } from '../../../src/preflight/rules/unknown-value.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found } from '../facts.ts';

const values = (value: JsonObject): Change => ({ cilium: { values: value } });

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  ['a known path', values({ tunnelPort: 8473 }), []],
  [
    'a slip of the pen',
    values({ tunelPort: 8473 }),
    [
      "lab.yaml: cilium.values.tunelPort: the chart's values do not know cilium.values.tunelPort (did you mean tunnelPort?); Helm takes it silently and it changes nothing",
    ],
  ],
])('%s', (_, change, expected) => {
  expect(found(unknownValue, change)).toEqual(expected);
});
