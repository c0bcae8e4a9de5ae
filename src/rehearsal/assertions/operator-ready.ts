/** Cilium's operator is available in its current generation. */
import { OPERATOR } from '../../cni/cilium.ts';
import { deployments } from '../../kube/resources.ts';
import { find } from '../patient-api.ts';
import { deploymentPending } from '../rollout.ts';
import { type Assertion, judged } from './assertion.ts';

export const operatorReady: Assertion = async ({ rawApi }) => {
  const pending = deploymentPending(await find(rawApi, deployments, OPERATOR));
  const problems = pending === null ? [] : [{ subject: OPERATOR.name, text: pending }];
  return judged('operator-ready', 'cilium-operator is available', problems, 'it is');
};
