/** Cilium manages no pod yet. */
import { ciliumEndpoints } from '../../cni/resources.ts';
import { unlessNotFound } from '../patient-api.ts';
import { type Assertion, judged } from './assertion.ts';

export const noCiliumEndpoints: Assertion = async ({ rawApi }) => {
  const list = await unlessNotFound(() => rawApi.list(ciliumEndpoints));
  const problems = (list?.items ?? []).map(({ metadata, status }) => ({
    subject: `${metadata.namespace}/${metadata.name}`,
    text: `has a CiliumEndpoint on ${status?.networking?.node ?? 'an unknown node'}`,
  }));
  return judged('no-cilium-endpoints', 'no pod has a CiliumEndpoint', problems, 'none');
};
