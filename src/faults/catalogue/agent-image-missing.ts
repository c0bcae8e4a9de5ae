/** A tag of the agent's image that no registry has. */
import type { Fault } from '../fault.ts';
import { withValues } from '../with-values.ts';

const tagOf = (version: string): string => `v${version}-does-not-exist`;

export const agentImageMissing: Fault = {
  name: 'agent-image-missing',
  kind: 'configuration',
  summary: "The agent's image has a tag that the registry does not know.",
  ends: '`refused:image-missing`, naming the image; a registry that does not answer is `error:download-failed`',
  mechanism:
    'image.tag names a tag that nobody pushed: the pull ends with "not found" and every agent waits in ImagePullBackOff. A mistake of the scenario, not of the migration.',
  source: 'containerd v2.1 core/remotes/docker/resolver.go (not found); kubelet pkg/kubelet/images/image_manager.go',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'image-missing',
  change: (scenario) => withValues(scenario, { image: { tag: tagOf(scenario.cilium.version), useDigest: false } }),
  expected: ({ scenario }) => ({
    outcome: 'refused:image-missing',
    blame: { reasons: ['image-missing', 'rule-refused'], names: [`cilium:${tagOf(scenario.cilium.version)}`] },
  }),
};
