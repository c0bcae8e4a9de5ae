/**
 * kubectl's generators, which speak protobuf, against a served cluster. What kubectl itself would have written as a manifest
 * (--dry-run=client) is what must be there; sentences are those of a real cluster (Kubernetes 1.34.4, the same kubectls).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../host/real-binaries.ts';
import { type Kubectl, kubectlWith } from './kubectl.ts';
import { type Process, startRehearse } from './processes.ts';

/** What is typed after `kubectl create`, and the object that comes of it. `DIR` holds the files. */
const CREATED: readonly [words: string, object: string][] = [
  ['namespace made', 'namespace/made'],
  ['configmap literals --from-literal=a=1 --from-literal=b=Grüße', 'configmap/literals'],
  ['configmap binary --from-file=DIR/binary', 'configmap/binary'],
  ['configmap immediate --from-env-file=DIR/env', 'configmap/immediate'],
  ['secret generic plain --from-literal=password=x', 'secret/plain'],
  [
    'secret docker-registry registry --docker-server=r.example --docker-username=u --docker-password=p',
    'secret/registry',
  ],
  ['serviceaccount robot', 'serviceaccount/robot'],
  ['deployment web --image=nginx --replicas=3 --port=80', 'deployment.apps/web'],
  ['deployment two --image=nginx --image=busybox:1', 'deployment.apps/two'],
  ['job once --image=busybox -- date', 'job.batch/once'],
  ['cronjob hourly --image=busybox --schedule=@hourly -- date', 'cronjob.batch/hourly'],
  ['job from --from=cronjob/hourly', 'job.batch/from'],
  ['service clusterip cluster --tcp=80:8080 --tcp=443', 'service/cluster'],
  ['service clusterip headless --clusterip=None', 'service/headless'],
  ['service nodeport node --tcp=80:8080', 'service/node'],
  ['service loadbalancer balancer --tcp=80', 'service/balancer'],
  ['service externalname external --external-name=example.org', 'service/external'],
  ['role reader --verb=get,list --resource=pods,deployments.apps,pods/log', 'role.rbac.authorization.k8s.io/reader'],
  ['rolebinding readers --role=reader --serviceaccount=default:robot', 'rolebinding.rbac.authorization.k8s.io/readers'],
  ['clusterrole nodes --verb=get --resource=nodes', 'clusterrole.rbac.authorization.k8s.io/nodes'],
  ['clusterrole health --verb=get --non-resource-url=/healthz', 'clusterrole.rbac.authorization.k8s.io/health'],
  ['clusterrole sum --aggregation-rule=of=sum', 'clusterrole.rbac.authorization.k8s.io/sum'],
  [
    'clusterrolebinding jane --clusterrole=nodes --user=jane --group=g',
    'clusterrolebinding.rbac.authorization.k8s.io/jane',
  ],
  ['priorityclass high --value=1000 --description=text', 'priorityclass.scheduling.k8s.io/high'],
  ['priorityclass low --value=-5 --preemption-policy=Never', 'priorityclass.scheduling.k8s.io/low'],
  ['poddisruptionbudget least --selector=app=web --min-available=1', 'poddisruptionbudget.policy/least'],
  ['poddisruptionbudget most --selector=app=web --max-unavailable=50%', 'poddisruptionbudget.policy/most'],
  [
    'ingress rules --class=c --rule=foo.com/bar=svc:80 --rule=foo.com/*=svc:http,tls=t',
    'ingress.networking.k8s.io/rules',
  ],
  ['ingress fallback --default-backend=svc:80 --annotation=a=b', 'ingress.networking.k8s.io/fallback'],
  ['quota limits --hard=cpu=1,memory=1G,pods=200', 'resourcequota/limits'],
  ['quota scoped --hard=pods=200 --scopes=BestEffort', 'resourcequota/scoped'],
];

/** Words, exit code, and what is said on stdout or stderr; in this order, after the above. */
const SAID: readonly [words: string, code: number, said: string | RegExp][] = [
  [
    'create configmap literals --from-literal=a=1',
    1,
    'error: failed to create configmap: configmaps "literals" already exists\n',
  ],
  ['create namespace made', 1, 'Error from server (AlreadyExists): namespaces "made" already exists\n'],
  [
    'create deployment Bad_name --image=nginx',
    1,
    /^error: failed to create deployment: Deployment\.apps "Bad_name" is invalid: metadata\.name: Invalid value: "Bad_name": a lowercase RFC 1123 subdomain must/,
  ],
  ['create configmap lost -n nowhere', 1, 'error: failed to create configmap: namespaces "nowhere" not found\n'],
  [
    'create service nodeport low --tcp=80 --node-port=80',
    1,
    'error: failed to create NodePort service: Service "low" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767\n',
  ],
  ['create configmap tried --from-literal=a=1 --dry-run=server', 0, 'configmap/tried created (server dry run)\n'],
  ['get configmap tried', 1, 'Error from server (NotFound): configmaps "tried" not found\n'],
  ['create configmap named --from-literal=a=1 -o name', 0, 'configmap/named\n'],
  [
    'create configmap shown --from-literal=a=1 -o jsonpath={.kind}{.metadata.namespace}{.data.a}',
    0,
    'ConfigMapdefault1',
  ],
  ['create configmap kept --save-config -o name', 0, 'configmap/kept\n'],
  ['delete job once', 0, /^job\.batch "once" deleted/],
  ['delete deployment two --cascade=foreground', 0, /^deployment\.apps "two" deleted/],
  ['expose deployment web --name=exposed --port=80 --target-port=8080', 0, 'service/exposed exposed\n'],
  ['run single --image=nginx --expose --port=80', 0, 'service/single created\npod/single created\n'],
  ['set serviceaccount deployment/web robot', 0, 'deployment.apps/web serviceaccount updated\n'],
  ['set subject rolebinding/readers --user=joe', 0, 'rolebinding.rbac.authorization.k8s.io/readers subjects updated\n'],
  ['autoscale deployment web --min=1 --max=5', 0, 'horizontalpodautoscaler.autoscaling/web autoscaled\n'],
  [
    'get hpa web -o jsonpath={.apiVersion},{.spec.minReplicas},{.spec.maxReplicas},{.spec.metrics[0].resource.target}',
    0,
    'autoscaling/v2,1,5,{"averageUtilization":80,"type":"Utilization"}',
  ],
  ['create token robot', 1, 'error: failed to create token: not modelled by the twin: serviceaccounts/token\n'],
  ['auth can-i get pods', 0, 'yes\n'],
  ['auth can-i patch deployments.apps --subresource=scale -n made', 0, 'yes\n'],
  ['auth can-i get /healthz', 0, 'yes\n'],
  [
    'auth can-i --list',
    0,
    /^Resources +Non-Resource URLs +Resource Names +Verbs\n\*\.\* +\[\] +\[\] +\[\*\]\n +\[\*\] +\[\] +\[\*\]\n/,
  ],
  [
    'auth whoami',
    0,
    /^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\nGroups +\[kubeadm:cluster-admins system:authenticated\]\n$/,
  ],
];

/** What a client leaves open, in its manifest: nothing that a server would keep. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.entries(value).map(([name, one]) => [name, meant(one)] as const);
  return Object.fromEntries(
    inner.filter(([, one]) => one !== null && !(typeof one === 'object' && Object.keys(one as object).length === 0)),
  );
}

describeWith('kubectl', ({ path }) => {
  let directory: string;
  let server: Process;
  let kubectl: Kubectl;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'serve-kubectl-create-'));
    writeFileSync(join(directory, 'binary'), Buffer.from(Array.from({ length: 256 }, (_, index) => 255 - index)));
    writeFileSync(join(directory, 'env'), 'A=1\nB=two words\n');
    const kubeconfig = join(directory, 'kubeconfig');
    server = startRehearse(directory, 'serve', 'minimal', '--at', 'baseline', '--kubeconfig', kubeconfig);
    if (!(await server.says('Ctrl-C ends it'))) throw new Error((await server.ended).stderr);
    kubectl = kubectlWith(path, kubeconfig, directory);
  }, 120_000);
  afterAll(async () => {
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(CREATED)('create %s', { timeout: 60_000 }, async (words, object) => {
    const create = ['create', ...words.replace('DIR', directory).split(' ')];
    const cut = create.includes('--') ? create.indexOf('--') : create.length;
    const manifest = await kubectl([...create.slice(0, cut), '--dry-run=client', '-o', 'json', ...create.slice(cut)]);
    expect(manifest.code, manifest.stderr).toBe(0);
    expect(await kubectl(create)).toEqual({ code: 0, stdout: `${object} created\n`, stderr: '' });
    const found = await kubectl(['get', object, '-o', 'json']);
    const { status: _, ...wanted } = JSON.parse(manifest.stdout) as Record<string, unknown>;
    expect(JSON.parse(found.stdout)).toMatchObject(meant(wanted) as object);
  });

  test.each(SAID)('%s', { timeout: 60_000 }, async (words, code, said) => {
    const answer = await kubectl(words.split(' '));
    const all = `${answer.stdout}${answer.stderr}`;
    if (typeof said === 'string') expect(all).toBe(said);
    else expect(all).toMatch(said);
    expect(answer.code, all).toBe(code);
  });
});
