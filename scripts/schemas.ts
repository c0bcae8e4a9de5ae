/**
 * Writes the JSON Schemas that docs/ publishes from the schemas that the code checks with, and the page of faults from their
 * catalogue: `npm run schemas`.
 * A test demands that the files are what this would write.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { eventsJsonSchema } from '../src/events/schema.ts';
import { reportJsonSchema } from '../src/report/schema.ts';
import { scenarioSchema } from '../src/scenario/schema.ts';
import { faultsPage } from './faults-page.ts';

const docs = new URL('../docs/', import.meta.url);

/** File name in docs/ → content. */
export function schemaFiles(): Map<string, string> {
  const text = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;
  const scenario = z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' });
  return new Map([
    ['events.schema.json', text(eventsJsonSchema())],
    ['report.schema.json', text(reportJsonSchema())],
    ['scenario.schema.json', text({ $schema: scenario.$schema, title: 'A scenario (schemaVersion 1)', ...scenario })],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('faults.md', docs), faultsPage());
  for (const [name, content] of schemaFiles()) writeFileSync(new URL(name, docs), content);
}
