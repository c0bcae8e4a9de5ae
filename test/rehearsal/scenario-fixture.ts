/** A scenario with the lab's values, to be varied by tests. */
import type { Scenario } from '../../src/scenario/scenario.ts';

type Deep<T> = { readonly [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : Deep<T[K]> | T[K] };

export function scenario(change: Deep<Scenario> = {}): Scenario {
  return merge(LAB, change) as Scenario;
}

function merge(base: unknown, over: unknown): unknown {
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return over;
  if (typeof over !== 'object' || over === null || Array.isArray(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = key in merged ? merge(merged[key], value) : value;
  return merged;
}

const LAB: Scenario = {
  schemaVersion: 1,
  name: 'lab',
  description: '',
  providers: ['twin', 'kind'],
  kubernetes: { version: '1.34.8', image: null },
  cluster: {
    name: 'kind',
    controlPlanes: 1,
    workers: 4,
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
    podCIDR: ['10.244.0.0/16'],
    maskSize: 24,
    tunnelProtocol: 'vxlan',
    tunnelPort: 8473,
    values: {},
    finalValues: {},
  },
  probes: {
    interval: null,
    pingTimeout: '1s',
    image: 'docker.io/bloomberg/goldpinger:3.10.2',
    mesh: 'full',
    goldpinger: { replicas: 10, replicasAfterFirstNode: 15 },
  },
  workloads: [],
  migration: {
    setAutodetection: 'NodeInternalIP',
    order: 'name',
    batchSize: 1,
    recycle: 'daemons',
    drain: { timeout: '6m', deleteEmptyDirData: false, force: false },
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
