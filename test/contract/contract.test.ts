/** The contract, held against the embedded cluster; `npm run test:contract` holds it against any other. */
import { afterAll, describe, test } from 'vitest';
import { CASES } from './cases/index.ts';
import { runCase } from './contract.ts';
import { embeddedTarget } from './target.ts';

describe('the embedded API is Kubernetes to those who use it', () => {
  const target = embeddedTarget();
  afterAll(() => target.close());
  test.each(CASES.map((one, index) => ({ ...one, index })))('$name', (one) =>
    runCase(target, one, `contract-${one.index}`),
  );
});
