/** Which objects a list or watch is about. */
import type { Route } from './route.ts';
import { type Match, parseFieldSelector, parseLabelSelector } from './selectors.ts';

export const namespaceFilter = (namespace: string | undefined): { namespace?: string } =>
  namespace === undefined ? {} : { namespace };

/** All conditions of a list or watch. @throws StatusError 400 */
export function matcher(route: Route, query: ReadonlyMap<string, string>): Match {
  const labels = parseLabelSelector(query.get('labelSelector'));
  const fields = parseFieldSelector(query.get('fieldSelector'), route.info);
  const { namespace, name } = route;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    labels(object.metadata.labels ?? {}) &&
    fields.matches(object);
}
