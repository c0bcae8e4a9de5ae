/** What a run on kind needs beside the scenario: where images come from, and a word before there is a cluster. */
import type { ProviderOptions } from '../provider/create.ts';
import type { Environment, Request } from './inputs.ts';
import type { Runner } from './runner.ts';
import type { ClusterState } from './state.ts';

/** @param env of the step, in which the commands are started */
export function providerOptions(
  { imageMirrors, tools }: Request,
  env: Environment,
  runner: Runner,
): NonNullable<ProviderOptions['kind']> {
  return {
    env,
    imageMirrors,
    tools,
    // Where this cannot be saved, post could not delete the cluster, so none is made.
    beforeCreate: async ({ name, kubeconfig }) => {
      const state: ClusterState = { name, kubeconfig };
      runner.saveState('cluster', JSON.stringify(state));
    },
  };
}
