/** What of a scenario's versions a provider can do at all, before anything else is asked. */
import semver from 'semver';
import { ScenarioError } from './problem.ts';
import { assertTwinData } from './read.ts';
import type { Scenario } from './scenario.ts';
import { hasTwinData, twinVersions } from './versions.ts';

/** First Cilium whose nodes can be configured one by one while it is installed as second overlay, as it is done here. */
const OLDEST_CILIUM = '1.14.0';

/**
 * The twin has what is bundled. On kind any chart from 1.14 on goes; Calico is applied from its bundled manifests.
 * @throws ScenarioError of kind `not-modelled` on the twin, refused on kind
 */
export function assertProviderData(scenario: Scenario, shown: string, provider: 'twin' | 'kind'): void {
  if (provider === 'twin') {
    assertTwinData(scenario, shown);
    return;
  }
  const { calico, cilium } = scenario;
  const problems: { path: string; message: string }[] = [];
  if (!hasTwinData('calico', calico.version)) {
    const message = `the manifests of ${calico.version} are not bundled; write one of ${twinVersions('calico').join(', ')}`;
    problems.push({ path: 'calico.version', message });
  }
  const version = semver.coerce(cilium.version);
  if (version !== null && semver.lt(version, OLDEST_CILIUM)) {
    const message = `${cilium.version} is older than ${OLDEST_CILIUM}, the first Cilium that this migration is known for`;
    problems.push({ path: 'cilium.version', message });
  }
  if (problems.length > 0) {
    throw new ScenarioError(problems.map((problem) => ({ where: shown, line: null, column: null, ...problem })));
  }
}
