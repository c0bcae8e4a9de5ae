/** What a run on kind needs beside the scenario: where images come from, and a word before there is a cluster. */
import type { ProviderOptions } from '../provider/create.ts';
import { RunProblem } from '../session/problem.ts';
import type { Environment, Request, ToolInputs } from './inputs.ts';
import type { Runner } from './runner.ts';
import type { ClusterState } from './state.ts';

const TOOL_INPUTS: Readonly<Record<keyof ToolInputs, string>> = {
  kind: 'kind-version',
  helm: 'helm-version',
  cilium: 'cilium-cli-version',
  baseUrl: 'download-base-url',
};

/**
 * @param env of the step, in which the commands are started
 * @throws RunProblem for what this version cannot do
 */
export async function providerOptions(
  { imageMirrors, tools }: Request,
  env: Environment,
  runner: Runner,
): Promise<NonNullable<ProviderOptions['kind']>> {
  const asked = Object.entries(TOOL_INPUTS).find(([tool]) => tools[tool as keyof ToolInputs] !== undefined);
  if (asked) {
    const message = `input ${asked[1]} is not in this version: tools are taken from the PATH, so set them up in a step before`;
    throw new RunProblem('refused', message);
  }
  return {
    env,
    imageMirrors,
    // Where this cannot be saved, post could not delete the cluster, so none is made.
    beforeCreate: async ({ name, kubeconfig }) => {
      const state: ClusterState = { name, kubeconfig };
      runner.saveState('cluster', JSON.stringify(state));
    },
  };
}
