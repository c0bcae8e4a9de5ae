/** Cilium's tunnel on the UDP port of Calico's VXLAN. */
import type { Fault } from '../fault.ts';

/** Default of FelixConfiguration vxlanPort (projectcalico/calico v3.31 api/pkg/apis/projectcalico/v3/felixconfig.go). */
const CALICO_PORT = 4789;

export const tunnelPortClash: Fault = {
  name: 'tunnel-port-clash',
  kind: 'configuration',
  summary: "Cilium's tunnel listens on Calico's VXLAN port.",
  ends: '`failed:secondary-installed` by `overlay-reachable`; no pair fails',
  mechanism:
    'cilium.tunnelPort is the port of vxlan.calico. The kernel lets only one of the two devices up: cilium_vxlan stays DOWN and no node gets routes to the pod CIDRs of others, while agents call themselves ready and warn every 10 s.',
  source: 'recording of Cilium 1.19 on port 4789 (test/fixtures/recorded-kind); cilium issues 2925, 8990, 38581',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'tunnel-port-clash',
  unfit: ({ calico }) =>
    calico.encapsulation.startsWith('VXLAN')
      ? null
      : `Calico has no VXLAN device with calico.encapsulation ${calico.encapsulation}, so no port can clash`,
  change: (scenario) => {
    const port = scenario.calico.felix.vxlanPort;
    const tunnelPort = typeof port === 'number' ? port : CALICO_PORT;
    return { ...scenario, cilium: { ...scenario.cilium, tunnelPort } };
  },
  expected: ({ nodes }) => ({
    outcome: 'failed:secondary-installed',
    blame: {
      reasons: ['assertion-failed'],
      assertions: ['overlay-reachable'],
      names: nodes.slice(0, 1).map(({ name }) => name),
      noPairs: true,
    },
  }),
};
