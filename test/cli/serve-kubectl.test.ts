/** An unmodified kubectl and a served cluster: one table for each kubectl that there is, and the published walk-through. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../host/real-binaries.ts';
import { type Kubectl, kubectlWith } from './kubectl.ts';
import { type Process, startRehearse } from './processes.ts';

const LIST =
  '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"l1"}},{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"L2"}}]}';

const configMap = (value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: table, labels: {of: table}}\ndata: {k: ${value}}\n`;

/** Words, exit code, and what must be in stdout or stderr; in this order, in one cluster. */
const TABLE: readonly [words: string, code: number, said: RegExp, stdin?: string][] = [
  ['version', 0, /Server Version: v1\.34\./],
  ['get nodes -o wide', 0, /kind-worker +Ready +<none> .*172\.\d+\.\d+\.\d+.*containerd/],
  ['get nodes -o name', 0, /^node\/kind-control-plane\nnode\/kind-worker\n$/],
  ['get nodes -l node-role.kubernetes.io/control-plane -o name', 0, /^node\/kind-control-plane\n$/],
  ['get nodes -o jsonpath={.items[*].metadata.name}', 0, /^kind-control-plane kind-worker$/],
  ['get nodes -o custom-columns=N:.metadata.name', 0, /^N\nkind-control-plane\nkind-worker\n$/],
  ['get node kind-worker -o json', 0, /"kind": "Node"/],
  ['get node kind-worker -o yaml', 0, /^kind: Node$/m],
  ['get pods -A --field-selector spec.nodeName=kind-worker -l k8s-app=cilium', 0, /cilium-\w+ +1\/1 +Running/],
  ['get ciliumnodes', 0, /kind-worker/],
  ['get pods nobody', 1, /pods "nobody" not found/],
  ['get nothings', 1, /doesn't have a resource type "nothings"/],
  ['describe node kind-worker', 0, /PodCIDR:/],
  ['get roles -n kube-system', 0, /NAME +CREATED AT/],
  ['get serviceaccounts', 0, /NAME +SECRETS +AGE\ndefault +0 /],
  ['get endpoints nodepinger', 0, /nodepinger +[\d.]+:8080,[\d.]+:8080/],
  ['describe pods -n kube-system -l k8s-app=cilium', 0, /Tolerations:/],
  ['apply -f -', 0, /configmap\/table created/, configMap('a')],
  ['apply -f -', 0, /configmap\/table unchanged/, configMap('a')],
  ['diff -f -', 1, /\+ {2}k: b/, configMap('b')],
  ['apply -f -', 0, /configmap\/table configured/, configMap('b')],
  ['apply --server-side --field-manager=one -f -', 1, /conflict with "kubectl-client-side-apply"/, configMap('c')],
  ['apply --server-side --field-manager=one --force-conflicts -f -', 0, /serverside-applied/, configMap('c')],
  ['create -f -', 1, /configmaps "table" already exists/, configMap('c')],
  ['label configmap table of=other --overwrite', 0, /configmap\/table labeled/],
  ['annotate configmap table note=x', 0, /configmap\/table annotated/],
  ['patch configmap table --type=merge -p {"data":{"m":"1"}}', 0, /patched/],
  ['patch configmap table --type=json -p [{"op":"add","path":"/data/j","value":"2"}]', 0, /patched/],
  ['patch configmap table -p {"data":{"s":"3"}}', 0, /patched/],
  ['get configmap table -o jsonpath={.data}', 0, /^\{"j":"2","k":"c","m":"1","s":"3"\}$/],
  ['delete configmap table', 0, /deleted/],
  ['create -f -', 1, /configmap\/l1 created[\s\S]*metadata.name: Invalid value: "L2"/, LIST],
  [
    'create -f -',
    1,
    /no matches for kind "Deployment" in version "v1"/,
    '{"apiVersion":"v1","kind":"Deployment","metadata":{"name":"d"}}',
  ],
  ['explain deployment.spec.strategy', 0, /rollingUpdate\t<RollingUpdateDeployment>/],
  ['taint node kind-worker a=b:NoSchedule', 0, /tainted/],
  ['taint node kind-worker a-', 0, /untainted/],
  ['scale deployment goldpinger --replicas=5', 0, /scaled/],
  ['rollout status deployment/goldpinger --timeout=60s', 0, /successfully rolled out/],
  [
    'describe deployment goldpinger',
    0,
    /ScalingReplicaSet .* deployment-controller +Scaled up replica set goldpinger-/,
  ],
  ['events --for deployment/goldpinger', 0, /Normal +ScalingReplicaSet +Deployment\/goldpinger/],
  ['drain kind-worker --pod-selector=app=goldpinger --disable-eviction --timeout=60s', 0, /node\/kind-worker drained/],
  ['uncordon kind-worker', 0, /uncordoned/],
  ['rollout status deployment/goldpinger --timeout=60s', 0, /successfully rolled out/],
  ['rollout restart deployment/goldpinger', 0, /restarted/],
  ['rollout status deployment/goldpinger --timeout=60s', 0, /successfully rolled out/],
  ['rollout history deployment/goldpinger', 0, /REVISION[\s\S]*2 /],
  ['rollout undo deployment/goldpinger', 0, /rolled back/],
  ['wait --for=condition=Available deployment/goldpinger --timeout=60s', 0, /condition met/],
  ['delete deployment goldpinger --cascade=orphan', 0, /deleted/],
  ['get replicasets -l app=goldpinger -o name', 0, /replicaset\.apps\/goldpinger-/],
  ['delete replicasets -l app=goldpinger --cascade=foreground --timeout=60s', 0, /deleted/],
  ['get pods -l app=goldpinger', 0, /No resources found/],
  ['api-resources', 0, /ciliumnodes +.*cilium\.io\/v2/],
  ['auth can-i get pods', 0, /yes/],
  ['logs daemonset/nodepinger', 1, /not modelled by the twin: pods\/log/],
  ['exec daemonset/nodepinger -- ls', 1, /not modelled by the twin: pods\/exec/],
  ['port-forward daemonset/nodepinger 8080', 1, /not modelled by the twin: pods\/portforward/],
  ['top nodes', 1, /Metrics API not available/],
];

/** Of a published walk-through of this migration: what is typed for each node. */
const PER_NODE = [
  'cordon NODE',
  'drain NODE --ignore-daemonsets --timeout=120s',
  'label node NODE --overwrite io.cilium.migration/cilium-default=true',
  'delete pod -n kube-system --field-selector spec.nodeName=NODE -l k8s-app=cilium',
  'rollout status -n kube-system daemonset/cilium --watch --timeout=120s',
  'uncordon NODE',
] as const;

describeWith('kubectl', ({ path }) => {
  let directory: string;
  let server: Process;
  let kubectl: Kubectl;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'serve-kubectl-'));
    const kubeconfig = join(directory, 'kubeconfig');
    const words = ['--at', 'secondary-installed', '--speed', '20', '--kubeconfig', kubeconfig];
    server = startRehearse(directory, 'serve', 'minimal', ...words);
    if (!(await server.says('Ctrl-C ends it'))) throw new Error((await server.ended).stderr);
    kubectl = kubectlWith(path, kubeconfig, directory);
  }, 120_000);
  afterAll(async () => {
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(TABLE)('%s', { timeout: 120_000 }, async (words, code, said, stdin) => {
    const answer = await kubectl(words.split(/ (?![^{[]*[\]}])/), stdin);
    expect(`${answer.stdout}${answer.stderr}`).toMatch(said);
    expect(answer.code, answer.stderr).toBe(code);
  });

  describe('the walk-through, node by node', () => {
    test.each(['kind-worker', 'kind-control-plane'])('migrates %s', { timeout: 300_000 }, async (node) => {
      for (const step of PER_NODE) {
        const words = step.replace('NODE', node);
        const { code, stderr } = await kubectl(words.split(' '));
        expect(code, `${words}: ${stderr}`).toBe(0);
      }
      const pods = await kubectl([
        'delete',
        'pod',
        '-l',
        'app=nodepinger',
        '--field-selector',
        `spec.nodeName=${node}`,
      ]);
      expect(pods.code, pods.stderr).toBe(0);
      const again = ['rollout', 'status', 'daemonset/nodepinger', '--timeout=120s'];
      expect((await kubectl(again)).code).toBe(0);
      // The new pod has an address of Cilium's, and Cilium an endpoint for it.
      const columns = 'NAME:.metadata.name,NODE:.spec.nodeName,IP:.status.podIP';
      const list = await kubectl([
        'get',
        'pods',
        '-l',
        'app=nodepinger',
        '--no-headers',
        '-o',
        `custom-columns=${columns}`,
      ]);
      const [name, , ip] = list.stdout
        .split('\n')
        .find((line) => line.split(/ +/)[1] === node)!
        .split(/ +/);
      const cidr = await kubectl(['get', 'ciliumnode', node, '-o', 'jsonpath={.spec.ipam.podCIDRs[0]}']);
      expect(cidr.stdout.split('.').slice(0, 3)).toEqual(ip!.split('.').slice(0, 3));
      expect((await kubectl(['get', 'ciliumendpoint', name!])).code).toBe(0);
    });
  });
});
