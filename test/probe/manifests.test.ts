import { describe, expect, it } from 'vitest';
import { cniByAddress, firstAddress } from '../../src/probe/addresses.ts';
import { PROBE_NAMES, probeManifests, refreshIntervalMs } from '../../src/probe/manifests.ts';
import { READ_TIMEOUT_MS } from '../../src/probe/read.ts';
import { durationMs } from '../../src/time/duration.ts';
import { scenario } from './scenario.ts';

type Loose = Record<string, never> & { spec: { template: { spec: Loose } } };

function find(kind: string, name: string, change: Parameters<typeof scenario>[0] = {}) {
  const found = probeManifests(scenario(change)).find((o) => o.kind === kind && o.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
}

interface Container {
  readonly args: string[];
  readonly env: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
}

function podSpec(kind: string, name: string, change: Parameters<typeof scenario>[0] = {}) {
  return (find(kind, name, change) as unknown as Loose).spec.template.spec as unknown as {
    containers: [Container];
    tolerations: unknown[];
    topologySpreadConstraints?: unknown[];
    terminationGracePeriodSeconds: number;
  };
}

function env(kind: string, name: string, change: Parameters<typeof scenario>[0] = {}): Record<string, string> {
  const { containers } = podSpec(kind, name, change);
  return Object.fromEntries(
    containers[0].env.map((entry) => [entry.name, entry.value ?? entry.valueFrom?.fieldRef.fieldPath ?? '']),
  );
}

describe('probeManifests', () => {
  it('makes three probes that see only themselves', () => {
    for (const probe of PROBE_NAMES) {
      const kind = probe === 'goldpinger' ? 'Deployment' : 'DaemonSet';
      expect(env(kind, probe)).toMatchObject({
        HOST: '0.0.0.0',
        PORT: '8080',
        HOSTNAME: 'metadata.name',
        POD_NAME: 'metadata.name',
        LABEL_SELECTOR: `app=${probe}`,
        REFRESH_INTERVAL: '2',
        PING_TIMEOUT: '1s',
      });
      expect(find(kind, probe)).toMatchObject({
        spec: { selector: { matchLabels: { app: probe } }, template: { metadata: { labels: { app: probe } } } },
      });
      expect(podSpec(kind, probe).containers[0].args).toEqual(['--keep-alive=0s']);
      expect(podSpec(kind, probe).terminationGracePeriodSeconds).toBe(5);
      expect(find('Role', probe)).toMatchObject({ rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] });
    }
  });

  it('spreads goldpinger over nodes that are not cordoned, the control plane included', () => {
    expect(podSpec('Deployment', 'goldpinger')).toMatchObject({
      tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          nodeTaintsPolicy: 'Honor',
          matchLabelKeys: ['pod-template-hash'],
        },
      ],
    });
    expect(find('Deployment', 'goldpinger')).toMatchObject({ spec: { replicas: 10 } });
    for (const name of ['nodepinger', 'servicepinger']) {
      expect(podSpec('DaemonSet', name).tolerations).toEqual([{ operator: 'Exists' }]);
    }
  });

  it('lets both external probes fail within the time of a reading', () => {
    const { DNS_TARGETS_TIMEOUT: dns, TCP_TARGETS_TIMEOUT: tcp } = env('DaemonSet', 'servicepinger');
    expect(durationMs(dns!) + durationMs(tcp!)).toBeLessThan(READ_TIMEOUT_MS);
  });

  it('gives external probes to servicepinger alone', () => {
    expect(env('DaemonSet', 'servicepinger')).toMatchObject({
      HOSTS_TO_RESOLVE: 'kubernetes.default.svc.cluster.local',
      TCP_TARGETS: '10.96.0.1:443',
    });
    expect(podSpec('DaemonSet', 'servicepinger')).toMatchObject({
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
    });
    expect(podSpec('DaemonSet', 'nodepinger')).not.toHaveProperty('dnsConfig');
    expect(env('DaemonSet', 'nodepinger')).not.toHaveProperty('TCP_TARGETS');
    expect(env('Deployment', 'goldpinger')).not.toHaveProperty('HOSTS_TO_RESOLVE');
  });

  it('opens the NodePorts of the lab', () => {
    expect(find('Service', 'nodepinger')).toMatchObject({ spec: { ports: [{ nodePort: 32042, targetPort: 8080 }] } });
    expect(find('Service', 'goldpinger')).toMatchObject({ spec: { ports: [{ nodePort: 32043, targetPort: 8080 }] } });
  });

  it('limits peers only in a sampled mesh', () => {
    expect(env('DaemonSet', 'nodepinger')).not.toHaveProperty('PING_NUMBER');
    expect(env('DaemonSet', 'nodepinger', { probes: { mesh: 'sampled' } })).toHaveProperty('PING_NUMBER', '10');
  });

  it.each([
    [{}, 2_000],
    [{ workers: 14 }, 2_000],
    [{ workers: 15 }, 5_000],
    [{ probes: { goldpinger: { replicas: 10, replicasAfterFirstNode: 16 } } }, 5_000],
    [{ probes: { interval: '3s' } }, 3_000],
  ])('pings every so often: %j → %i ms', (change, ms) => {
    expect(refreshIntervalMs(scenario(change))).toBe(ms);
  });
});

describe('addresses', () => {
  it.each([
    ['10.96.0.0/16', '10.96.0.1'],
    ['10.96.0.17/28', '10.96.0.17'],
    ['172.18.255.255/16', '172.18.0.1'],
  ])('first address of %s is %s', (cidr, address) => {
    expect(firstAddress(cidr)).toBe(address);
  });

  const cniOf = cniByAddress(['192.168.0.0/16', '10.50.0.0/16'], ['10.244.0.0/16', '192.168.128.0/24', '10.50.0.0/16']);
  it.each([
    ['192.168.1.1', 'calico'],
    ['192.168.128.84', 'cilium'],
    ['192.168.129.0', 'calico'],
    ['10.244.255.255', 'cilium'],
    ['10.245.0.0', 'unknown'],
    ['10.50.0.1', 'unknown'],
    ['', 'unknown'],
    ['fd00::1', 'unknown'],
  ])('%s is %s', (ip, cni) => {
    expect(cniOf(ip)).toBe(cni);
  });

  it('refuses what is no CIDR', () => {
    expect(() => firstAddress('10.96.0.0')).toThrow('10.96.0.0');
    expect(() => firstAddress('10.96.0.0/33')).toThrow();
  });
});
