/** Cilium's operator must not restart CoreDNS pods while they are rightly on Calico. */
import { valueAt } from '../../cni/merge.ts';
import type { Rule } from '../rule.ts';
import { isTruthy, placeOf } from '../values.ts';

const PATH = 'operator.unmanagedPodWatcher.restart';

export const unmanagedPodRestart: Rule = {
  id: 'unmanaged-pod-restart',
  title: "Cilium's operator leaves CoreDNS pods on Calico alone until the end.",
  severity: 'refusal',
  source:
    'cilium operator/watchers unmanaged pods, charts 1.14 to 1.20 (default true); observed (a deletion every 15 to 30 s)',
  judgeScenario: (facts) => {
    const { initial } = facts.values;
    const restart = valueAt(initial, PATH);
    // An interval of 0 switches the watcher off (cilium-config, unmanaged-pod-watcher-interval).
    if (!isTruthy(restart) || valueAt(initial, 'operator.unmanagedPodWatcher.intervalSeconds') === 0) return [];
    return [
      {
        where: placeOf(facts, 'initial', PATH),
        message: `${JSON.stringify(restart)} lets Cilium's operator delete every CoreDNS pod without a CiliumEndpoint, one each 15 to 30 s for as long as CoreDNS is on Calico; write false, the final values switch it on`,
        subjects: [`cilium.values.${PATH}`],
      },
    ];
  },
};
