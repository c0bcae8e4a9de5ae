/** The API goes away for a while, for everybody. */
import { durationMs } from '../../time/duration.ts';
import type { Expectation, InjectedFault } from '../fault.ts';
import { allMade, insertRule } from '../on-nodes.ts';
import { failedAt, Story } from '../story.ts';

/** With a reset, so that open connections end as they do when a server dies, instead of hanging. */
const RULE = ['-p', 'tcp', '--dport', '6443', '-j', 'REJECT', '--reject-with', 'tcp-reset'];

export const apiOutage: InjectedFault = {
  kind: 'injected',
  name: 'api-outage',
  summary: 'no API server can be reached for a while',
  ends: '`passed` up to `timeouts.apiOutage`; longer: `failed` at the next checkpoint, `control-plane-lost`',
  mechanism:
    "iptables and ip6tables (kind's network has IPv6) reject TCP to port 6443 in INPUT of every control plane, also what comes " +
    'over the loopback: kubectl, kubelets, agents, controllers and the load balancer find nobody. Pods go on as they are. The ' +
    "kubelet's own probe fails too, so an API server that is away for 90 s is started again. A restart of a control plane " +
    'takes its rule away.',
  source: 'recorded: API away 17 to 34 s at the restart of the only control plane; connections reset, then refused',
  providers: ['twin', 'kind'],
  arguments: {
    for: { help: 'how long', required: true },
    at: { help: 'when it starts', otherwise: 'the beginning of the first uncordon' },
  },
  refusedBy: null,
  starts: () => 'uncordon/*',
  inject: async (world) => {
    const planes = world.nodes.filter(({ role }) => role === 'control-plane');
    const places = planes.flatMap(({ name: node }) =>
      (['ip6tables', 'iptables'] as const).map((program) => ({ node, program })),
    );
    return allMade(
      world,
      places.map((place) => () => insertRule(world, place, RULE)),
    );
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const start = story.place(run.args.at ?? 'uncordon/*');
    const sweep = start === undefined ? undefined : story.after(start)[0];
    const tolerated = durationMs(run.args.for!) <= durationMs(run.scenario.timeouts.apiOutage);
    if (sweep === undefined || tolerated) return { outcome: 'passed' };
    // Before the probes are there, nobody can say that it was the migration.
    if (sweep.kind === 'baseline') return { outcome: 'error:provision-failed' };
    return { outcome: failedAt(sweep), blame: { reasons: ['control-plane-lost'] } };
  },
};
