/** What people read of every way to end, as files whose change is a reviewable difference (`vitest -u` writes them). */
import { expect, test } from 'vitest';
import { junitXml } from '../../src/report/junit.ts';
import { storyOf } from '../../src/report/model.ts';
import { summaryMarkdown } from '../../src/report/summary.ts';
import { RUNS } from './events-fixture.ts';

test.each(Object.keys(RUNS))('%s', async (name) => {
  const story = storyOf(RUNS[name]!());
  await expect(summaryMarkdown(story)).toMatchFileSnapshot(`golden/${name}.summary.md`);
  await expect(junitXml(story)).toMatchFileSnapshot(`golden/${name}.junit.xml`);
});
