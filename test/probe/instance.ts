/** Instances for tests. */
import type { Instance } from '../../src/probe/instances.ts';

export function instance(pod: string, change: Partial<Instance> = {}): Instance {
  return {
    probe: 'goldpinger',
    uid: `uid-${pod}`,
    pod,
    node: 'kind-worker',
    ip: `10.0.0.${[...pod].reduce((sum, char) => (sum * 7 + char.charCodeAt(0)) % 250, 1)}`,
    cni: 'calico',
    ready: true,
    unready: '',
    ...change,
  };
}
