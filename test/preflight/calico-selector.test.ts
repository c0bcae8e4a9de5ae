import { expect, test } from 'vitest';
import { calicoSelects } from '../../src/preflight/calico-selector.ts';

const LABELS = { app: 'web', tier: 'front-end', 'k8s-app': 'x', in: 'no' };

test.each<[string | undefined, boolean | undefined]>([
  [undefined, true],
  ['', true],
  ['all()', true],
  ['global()', false],
  ["app == 'web'", true],
  ['app == "web"', true],
  ["app != 'web'", false],
  ["other != 'web'", true],
  ['has(app)', true],
  ['!has(app)', false],
  ['has( k8s-app )', true],
  ["app in {'a', 'web'}", true],
  ["app in {'a','b'}", false],
  ["app not in {'a', 'b'}", true],
  ["other not in {'a'}", true],
  ["tier contains 'ont'", true],
  ["tier starts with 'front'", true],
  ["tier ends with 'front'", false],
  ["app == 'db' && has(app) || tier == 'front-end'", true],
  ["app == 'db' && (has(app) || tier == 'front-end')", false],
  ["!(app == 'db') && !has(none)", true],
  ['app ==', undefined],
  ["app = 'web'", undefined],
  ["app == 'web' &&", undefined],
  ["(app == 'web'", undefined],
  ['app in web', undefined],
  ["app in {'web'", undefined],
  ['§', undefined],
])('%s: %s', (selector, expected) => {
  expect(calicoSelects(selector, LABELS)).toBe(expected);
});
