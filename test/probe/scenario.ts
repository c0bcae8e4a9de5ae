/** A resolved scenario for tests: the lab's, with changes. */
import type { Scenario } from '../../src/scenario/scenario.ts';

export function scenario(change: { workers?: number; probes?: Partial<Scenario['probes']> } = {}): Scenario {
  return {
    schemaVersion: 1,
    name: 'test',
    description: '',
    providers: ['twin'],
    kubernetes: { version: '1.34.2', image: null },
    cluster: {
      name: 'kind',
      controlPlanes: 1,
      workers: change.workers ?? 4,
      podSubnet: '192.168.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      nodeSubnet: '172.18.0.0/16',
    },
    calico: {
      version: '3.31.7',
      encapsulation: 'VXLANCrossSubnet',
      cidr: '192.168.0.0/16',
      autodetection: 'firstFound',
      installation: {},
      felix: {},
    },
    cilium: {
      version: '1.19.6',
      podCIDR: null,
      maskSize: 24,
      tunnelProtocol: 'vxlan',
      tunnelPort: null,
      values: {},
      finalValues: {},
    },
    probes: {
      interval: null,
      pingTimeout: '1s',
      image: 'docker.io/bloomberg/goldpinger:3.10.2',
      mesh: 'full',
      goldpinger: { replicas: 10, replicasAfterFirstNode: 15 },
      ...change.probes,
    },
    workloads: [],
    migration: {
      setAutodetection: 'NodeInternalIP',
      order: 'name',
      batchSize: 1,
      recycle: 'daemons',
      drain: { timeout: '6m', deleteEmptyDirData: true, force: false },
    },
    finish: {
      policyEnforcement: 'default',
      removeCalico: true,
      restartNodes: true,
      restartBatch: 1,
      connectivityTest: false,
    },
    gate: { freshSamples: 3, failuresToFail: 2, observe: '120s', settleTimeout: '3m', maxDisruption: 'unlimited' },
    timeouts: {
      provision: '15m',
      calico: '10m',
      cilium: '10m',
      agent: '5m',
      remove: '10m',
      restart: '5m',
      apiOutage: '5m',
      unreadable: '3m',
    },
    preflight: { allow: [] },
  };
}
