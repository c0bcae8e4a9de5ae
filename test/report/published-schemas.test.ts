/** The files in docs/ by themselves, as a user's validator reads them: they take our events and reports, and no others. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { reportJson } from '../../src/report/json.ts';
import { storyOf } from '../../src/report/model.ts';
import { failedRun, RUNS } from './events-fixture.ts';

function published(name: string): z.ZodType {
  const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const schema = JSON.parse(text) as { $schema: string };
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

describe('docs/events.schema.json', () => {
  const schema = published('events.schema.json');

  test.each(Object.keys(RUNS))('takes every line of a run that was %s', (name) => {
    for (const event of RUNS[name]!()) {
      const line: unknown = JSON.parse(JSON.stringify(event));
      expect(schema.safeParse(line).success, JSON.stringify(event)).toBe(true);
    }
  });

  test('takes no line that lacks a field, has one too many or a word of its own', () => {
    for (const event of failedRun().events) {
      const fields = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
      expect(schema.safeParse({ ...fields, pid: 1 }).success, event.type).toBe(false);
      expect(schema.safeParse({ ...fields, type: 'dance' }).success, event.type).toBe(false);
      for (const key of Object.keys(fields)) {
        if (key === 'versions' || key === 'recoveredAt' || key === 'unreadable') continue;
        const { [key]: _gone, ...rest } = fields;
        expect(schema.safeParse(rest).success, `${event.type} without ${key}`).toBe(false);
      }
    }
  });
});

describe('docs/report.schema.json', () => {
  const schema = published('report.schema.json');

  test.each(Object.keys(RUNS))('takes the report of a run that was %s', (name) => {
    const report: unknown = JSON.parse(reportJson(storyOf(RUNS[name]!()).report));
    expect(schema.safeParse(report).error?.message).toBeUndefined();
  });

  test('takes no report that lacks a key or has one too many', () => {
    const report = JSON.parse(reportJson(storyOf(failedRun().events).report)) as Record<string, unknown>;
    expect(schema.safeParse({ ...report, extra: 1 }).success).toBe(false);
    for (const key of Object.keys(report)) {
      const { [key]: _gone, ...rest } = report;
      expect(schema.safeParse(rest).success, `without ${key}`).toBe(false);
    }
  });
});
