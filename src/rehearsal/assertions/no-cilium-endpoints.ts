/** Cilium manages no pod yet. */
import { ciliumEndpoints } from '../../cni/resources.ts';
import { type Assertion, judged } from './assertion.ts';

export const noCiliumEndpoints: Assertion = async ({ rawApi }) => {
  // The agents need the kind by now: an API that does not know it has said nothing of endpoints.
  const list = await rawApi.list(ciliumEndpoints);
  const problems = list.items.map(({ metadata, status }) => ({
    subject: `${metadata.namespace}/${metadata.name}`,
    text: `has a CiliumEndpoint on ${status?.networking?.node ?? 'an unknown node'}`,
  }));
  return judged('no-cilium-endpoints', 'no pod has a CiliumEndpoint', problems, 'none');
};
