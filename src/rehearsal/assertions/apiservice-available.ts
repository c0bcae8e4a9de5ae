/** Calico's aggregated API answers while it exists: its pods move from one CNI to the other, and without it namespaces cannot go. */
import { CALICO_APISERVICE } from '../../cni/calico.ts';
import { apiServers } from '../../cni/resources.ts';
import { apiServices } from '../../kube/resources.ts';
import { find } from '../patient-api.ts';
import { type Assertion, judged } from './assertion.ts';

export const apiServiceAvailable: Assertion = async ({ rawApi }) => {
  const id = 'apiservice-available';
  const expected = `APIService ${CALICO_APISERVICE} is Available`;
  if (!(await find(rawApi, apiServers, { name: 'default' }))) {
    return judged(id, expected, [], 'there is no APIServer resource');
  }
  const service = await find(rawApi, apiServices, { name: CALICO_APISERVICE });
  const available = service?.status?.conditions?.find(({ type }) => type === 'Available');
  const text = available ? `${available.reason}: ${available.message}` : 'it does not exist';
  const problems = available?.status === 'True' ? [] : [{ subject: CALICO_APISERVICE, text }];
  return judged(id, expected, problems, 'it is');
};
