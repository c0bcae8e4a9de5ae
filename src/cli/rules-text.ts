/** Results of rules for people. */
import { lineOf } from '../preflight/judge.ts';
import type { RuleResult } from '../preflight/rule.ts';

const SIGNS: Record<RuleResult['outcome'], string> = {
  passed: '✓',
  refused: '✗',
  allowed: '!',
  finding: 'ℹ',
  skipped: '·',
};

/** A line a rule, and below it what it found. */
export function rulesText(rules: readonly RuleResult[]): string {
  const width = Math.max(0, ...rules.map(({ rule }) => rule.length));
  return rules
    .flatMap(({ rule, outcome, message, collisions }) => [
      `  ${SIGNS[outcome]} ${rule.padEnd(width)}  ${outcome}${collisions.length > 0 || message === '' ? '' : `: ${message}`}`,
      ...collisions.map((collision) => `      ${lineOf(collision)}`),
    ])
    .join('\n');
}
