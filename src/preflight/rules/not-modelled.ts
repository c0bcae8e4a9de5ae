/** What the provider has no model of: found before anything is made, never approximated. */
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const notModelled: Rule = {
  id: 'not-modelled',
  title: 'Everything that the scenario asks for has a model on the provider.',
  severity: 'refusal',
  source: 'docs/twin.md; src/twin/chart/value-tables.ts',
  judgeScenario: ({ review, provider, at }: ScenarioFacts): Collision[] => [
    ...review.notModelled.map(
      (text): Collision => ({
        where: at(keyOf(text)),
        message: `the ${provider} does not model ${text}; leave it out`,
        subjects: [keyOf(text)],
        // Nothing could carry it out.
        allowable: false,
      }),
    ),
    ...review.notModelledValues.map(
      (path): Collision => ({
        where: at(path),
        message: `the ${provider} does not model ${path}; leave it out, or let the rehearsal ignore it with --allow not-modelled`,
        subjects: [path],
      }),
    ),
  ],
};

/** The key at the beginning of a text of the review: `calico.installation.x: "BPF" (modelled: …)`. */
function keyOf(text: string): string {
  return text.split(/[\s:]/)[0]!;
}
