/**
 * Keys of the ConfigMap cilium-config that follow from values which change nothing on the twin. Recorded on a real cluster
 * (Cilium 1.19, chart defaults) and rendered alike for every version: no agent, operator or step of a rehearsal reads them.
 */
import { readFileSync } from 'node:fs';

let loaded: Readonly<Record<string, string>> | undefined;

/** The keys with their values (data/cilium/config-constants.json). */
export function constantKeys(): Readonly<Record<string, string>> {
  loaded ??= JSON.parse(
    readFileSync(new URL('../../../data/cilium/config-constants.json', import.meta.url), 'utf8'),
  ) as Readonly<Record<string, string>>;
  return loaded;
}
