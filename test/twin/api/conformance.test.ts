/** The deterministic run and the loopback server are one: the same story gives the same bytes on every transport. */
import { describe, expect, test } from 'vitest';
import { run, type Variant } from './scripted-run.ts';

const VARIANTS: Variant[] = [
  { transport: 'in-process', batch: true },
  { transport: 'in-process', batch: false },
  { transport: 'http', batch: true },
  { transport: 'http', batch: false },
  { transport: 'http', batch: true, jitter: true },
  { transport: 'http', batch: false, jitter: true },
  { transport: 'http', batch: true, jitter: true },
];

describe('conformance of the transports', () => {
  test('the story tells something', async () => {
    const log = await run({ transport: 'in-process', batch: true });
    expect(log.filter((line) => line.includes('timed out waiting for pods to run; last seen: not yet'))).toHaveLength(
      1,
    );
    expect(log.filter((line) => line.endsWith('API is away'))).toHaveLength(1);
    expect(log.filter((line) => line.endsWith('API is back'))).toHaveLength(1);
    expect(log.some((line) => line.includes('the connection was refused or lost'))).toBe(true);
    expect(log.some((line) => line.endsWith('p2: 409 Conflict'))).toBe(true);
    expect(log.some((line) => line.endsWith('left: p2 p3'))).toBe(true);
  });

  test.each(VARIANTS)('$transport, batch $batch, jitter $jitter', async (variant) => {
    const reference = await run({ transport: 'in-process', batch: true });
    expect(await run(variant)).toEqual(reference);
  });
});
