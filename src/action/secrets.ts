/** What of a scenario is secret, by its keys, so that the runner masks it in the logs of this step and of all later ones. Pure. */
import { maskValue } from '../events/mask.ts';
import { MASKED } from '../events/mask-text.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { parseYaml, plainValue } from '../scenario/yaml.ts';

/** A mask of `1` or `on` would make a log unreadable, and hides nothing that could not be guessed. */
const SHORTEST = 4;

/** Every secret text in the scenario's values and manifests; what base64 stands for as well. */
export function secretsOf({ cilium, calico, workloads }: Scenario): string[] {
  const found = new Set<string>();
  for (const value of [cilium.values, cilium.finalValues, calico.installation, calico.felix]) collect(value, found);
  for (const { manifest } of workloads) {
    for (const document of parseYaml(manifest).documents) collect(plainValue(document), found);
  }
  return [...found].filter((text) => text.length >= SHORTEST);
}

function collect(value: unknown, found: Set<string>): void {
  // Events are masked by the same rule: what it takes away is what is secret.
  differences(value, maskValue(value), found);
}

function differences(before: unknown, after: unknown, found: Set<string>): void {
  if (before === after) return;
  if (after === MASKED) {
    texts(before, found);
  } else if (typeof before === 'object' && before !== null && typeof after === 'object' && after !== null) {
    for (const [key, inner] of Object.entries(before)) {
      differences(inner, (after as Record<string, unknown>)[key], found);
    }
  }
}

function texts(value: unknown, found: Set<string>): void {
  const text = String(value);
  found.add(text);
  const decoded = decodedOf(text);
  if (decoded !== undefined) found.add(decoded);
}

/** The text that base64 stands for; undefined: it is none, or stands for something else. */
function decodedOf(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64'));
    return /^[\t\r\n -\u{10ffff}]+$/u.test(decoded) ? decoded.trim() : undefined;
  } catch {
    return undefined;
  }
}
