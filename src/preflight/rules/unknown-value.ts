/** Helm takes values that no chart knows without a word: a slip of the pen would change nothing and nobody would notice. */
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const unknownValue: Rule = {
  id: 'unknown-value',
  title: 'The chart knows every path of the Helm values.',
  severity: 'finding',
  source: 'cilium/charts 1.14 to 1.20: values.schema.json never sets additionalProperties: false',
  judgeScenario: ({ review, at }: ScenarioFacts): Collision[] =>
    review.unknownValues.map((text) => {
      const path = text.split(' ')[0]!;
      return {
        where: at(path),
        message: `the chart's values do not know ${text}; Helm takes it silently and it changes nothing`,
        subjects: [path],
      };
    }),
};
