import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { schemaFiles } from '../../scripts/schemas.ts';
import type { Event } from '../../src/events/events.ts';
import { eventSchema } from '../../src/events/schema.ts';
import { createEventStream } from '../../src/events/stream.ts';
import { createTwinProvider } from '../../src/provider/twin.ts';
import { runRehearsal } from '../../src/rehearsal/run.ts';
import { storyOf } from '../../src/report/model.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { readScenario } from '../../src/scenario/read.ts';

test.each([...schemaFiles()])('docs/%s is what `npm run schemas` writes', (name, content) => {
  expect(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')).toBe(content);
});

describe('a whole run', () => {
  const events: Event[] = [];

  beforeAll(async () => {
    const file = new URL('../../scenarios/minimal.yaml', import.meta.url).pathname;
    const scenario = readScenario(file, 'minimal');
    const provider = createTwinProvider({ scenario, seed: 3 });
    const { emit } = createEventStream({ now: () => provider.clock.now(), sinks: [(event) => events.push(event)] });
    await provider.run(() =>
      runRehearsal({
        scenario,
        seed: 3,
        provider,
        emit,
        signal: new AbortController().signal,
        keep: 'never',
        tool: { name: 'test', version: '0.0.0' },
      }),
    );
    await provider.close();
  });

  test('emits only events of the published schema', () => {
    expect(events.length).toBeGreaterThan(100);
    for (const event of events) {
      const result = eventSchema.safeParse(event);
      expect(result.success, `${JSON.stringify(event).slice(0, 200)}: ${result.error?.message}`).toBe(true);
    }
  });

  test('folds into a report of the published schema, whose seconds add up', () => {
    const { report } = storyOf(events);
    const result = reportSchema.safeParse(JSON.parse(JSON.stringify(report)));
    expect(result.error?.message).toBeUndefined();
    expect(report).toMatchObject({ verdict: 'passed', exitCode: 0, simulated: true, seed: 3 });
    const sum = Object.values(report.seconds).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(report.durationSeconds, 3);
    expect(report.checkpoints.every(({ outcome }) => outcome === 'passed')).toBe(true);
    expect(report.nodes.map(({ before, after }) => [before.cni, after.cni])).toEqual([
      ['calico', 'cilium'],
      ['calico', 'cilium'],
    ]);
  });

  test('cut anywhere, it is a report of an interrupted run', () => {
    for (const length of [1, 20, Math.floor(events.length / 2), events.length - 1]) {
      const { report } = storyOf(events.slice(0, length));
      expect(report).toMatchObject({ verdict: 'interrupted', exitCode: null });
      expect(reportSchema.safeParse(JSON.parse(JSON.stringify(report))).error?.message).toBeUndefined();
    }
  });
});
