import { describe, expect, test } from 'vitest';
import { calicoCniFeature as rule } from '../../../src/preflight/rules/calico-cni-feature.ts';
import { type Change, found, foundLive, values } from '../rig.ts';

const web = (template: string, pod = 'containers: [{ name: web, image: web }]') => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    metadata: { ${template} }
    spec: { ${pod} }
`;
const PORT = 'containers: [{ name: web, image: web, ports: [{ containerPort: 80, hostPort: 8080 }] }]';
const withPort = (change: Change = {}) => found(rule, change, { workloads: web('', PORT) });
const final = (finalValues: object, version = '1.19.6'): Change => ({ cilium: { version, finalValues } });

describe('hostPort', () => {
  test('is refused, naming both sides and what to write', () => {
    expect(withPort()).toEqual([
      "w.yaml: Deployment default/web: hostPort 8080 is served by portmap in Calico's CNI configuration, and Cilium's has none; write cilium.values.cni.chainingMode: portmap or cilium.finalValues.kubeProxyReplacement: true, or use a NodePort Service",
    ]);
  });

  test.each<[string, Change]>([
    ['portmap chained', values({ cni: { chainingMode: 'portmap' } })],
    ['kube-proxy replaced at the end', final({ kubeProxyReplacement: true })],
    ['kube-proxy replaced at the end, in old words', final({ kubeProxyReplacement: 'strict' }, '1.15.19')],
    ['hostPort of charts up to 1.17', final({ hostPort: { enabled: true } }, '1.17.18')],
    ['Calico serves none', { calico: { installation: { calicoNetwork: { hostPorts: 'Disabled' } } } }],
  ])('passes: %s', (_, change) => {
    expect(withPort(change)).toEqual([]);
  });

  test.each<[string, Change]>([
    ['portmap only at the end: dead between the switch and then', final({ cni: { chainingMode: 'portmap' } })],
    ['a key that charts from 1.18 do not know', final({ hostPort: { enabled: true } }, '1.18.12')],
  ])('still refused: %s', (_, change) => {
    expect(withPort(change)).toHaveLength(1);
  });

  test('pods of the host network need no portmap', () => {
    expect(found(rule, {}, { workloads: web('', `hostNetwork: true, ${PORT}`) })).toEqual([]);
  });

  test('is found in every kind of template, bare pods and init containers too', () => {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: bare }\nspec: { ${PORT} }\n`;
    const cron = `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: cron }\nspec: { jobTemplate: { spec: { template: { spec: { ${PORT} } } } } }\n`;
    const init = web(
      '',
      `containers: [{ name: a }], initContainers: [{ name: b, ports: [{ containerPort: 1, hostPort: 53 }] }]`,
    );
    expect(
      found(rule, {}, { workloads: [pod, cron, init].join('---\n') }).map((line) => line.split(' is served')[0]),
    ).toEqual([
      'w.yaml: Pod default/bare: hostPort 8080',
      'w.yaml: CronJob default/cron: hostPort 8080',
      'w.yaml: Deployment default/web: hostPort 53',
    ]);
  });
});

describe('annotations of Calico', () => {
  test('are refused in pod templates and namespaces, not on the Deployment itself', () => {
    const workloads = [
      web(`annotations: { cni.projectcalico.org/ipAddrs: '["192.168.0.9"]' }`),
      'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, annotations: { cni.projectcalico.org/ipv4pools: \'["p"]\' } }\n',
      web('').replace('name: web }', 'name: other, annotations: { cni.projectcalico.org/floatingIPs: x } }'),
    ].join('---\n');
    expect(found(rule, {}, { workloads })).toEqual([
      'w.yaml: Deployment default/web: annotation cni.projectcalico.org/ipAddrs: ["192.168.0.9"] is obeyed by Calico\'s CNI plugin only, Cilium gives the pod an address of its node\'s pod CIDR; remove the annotation and what relies on it',
      expect.stringMatching(/^w.yaml: Namespace shop: annotation cni.projectcalico.org\/ipv4pools: /) as string,
    ]);
  });

  test('in the cluster, what Calico writes on every pod is no wish, and its own pods go with it', () => {
    const pod = (name: string, annotation: string, namespace = 'default') =>
      `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name}, namespace: ${namespace}, annotations: { cni.projectcalico.org/podIP: 1.2.3.4/32, cni.projectcalico.org/podIPs: 1.2.3.4/32, cni.projectcalico.org/containerID: abc, ${annotation} } }\nspec: { containers: [] }\n`;
    expect(foundLive(rule, {}, {}, pod('plain', 'a: b'))).toEqual([]);
    expect(foundLive(rule, {}, {}, pod('own', 'cni.projectcalico.org/ipv4pools: x', 'calico-system'))).toEqual([]);
    expect(foundLive(rule, {}, {}, pod('fixed', 'cni.projectcalico.org/ipAddrs: x'))[0]).toMatch(
      /^Pod default\/fixed: annotation cni.projectcalico.org\/ipAddrs: x /,
    );
  });

  test('hostPort of live pods, by the Installation as it is', () => {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { ${PORT} }\n`;
    expect(foundLive(rule, {}, {}, pod)[0]).toMatch(/^Pod default\/web: hostPort 8080 /);
    const spec = { calicoNetwork: { hostPorts: 'Disabled' } };
    expect(foundLive(rule, { installation: { metadata: { name: 'default' }, spec } }, {}, pod)).toEqual([]);
  });
});
