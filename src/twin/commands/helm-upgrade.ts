/** `helm upgrade --install` of the Cilium chart: values, schema, the chart's rules, objects, release record, notes. */
import { parse } from 'yaml';
import type { CommandResult } from '../../host/host.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import { ciliumMinor, isReleased, loadChart } from '../chart/data.ts';
import { isObject, mergeValues, valueAt } from '../chart/merge.ts';
import { renderChart } from '../chart/render.ts';
import { chartFailure } from '../chart/rules.ts';
import { validate } from '../chart/schema.ts';
import { classifyValues } from '../chart/values.ts';
import type { World } from '../world.ts';
import { answer, failure, notModelled } from './command.ts';
import { threeWayMerge } from './helm-merge.ts';
import { lastRelease, manifestOf, objectsOf, type Release, saveRelease } from './helm-release.ts';

/** The command line of an upgrade, already read. */
export interface UpgradeRequest {
  readonly release: string;
  readonly chart: string;
  readonly repo: string;
  readonly version: string;
  readonly namespace: string;
  readonly install: boolean;
  /** YAML texts of `--values`, in order. */
  readonly values: readonly string[];
  readonly allowNotModelled: boolean;
}

const RESOURCES: Readonly<Record<string, string>> = {
  ServiceAccount: 'serviceaccounts',
  ConfigMap: 'configmaps',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  Role: 'roles.rbac.authorization.k8s.io',
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
  Service: 'services',
  DaemonSet: 'daemonsets.apps',
  Deployment: 'deployments.apps',
};

interface Identity {
  readonly resource: string;
  readonly name: string;
  readonly namespace?: string;
}

function identity(object: JsonObject): Identity {
  const kind = String(object.kind);
  const resource = RESOURCES[kind];
  if (resource === undefined) throw new Error(`chart renders ${kind}, which the twin's helm cannot store`);
  const name = String(valueAt(object, 'metadata.name'));
  const namespace = valueAt(object, 'metadata.namespace');
  return typeof namespace === 'string' ? { resource, name, namespace } : { resource, name };
}

const failed = (message: string, stdout = ''): CommandResult => failure(`Error: ${message}\n`, 1, stdout);

function applyObjects(world: World, previous: readonly JsonObject[], next: readonly JsonObject[]): void {
  const key = (object: JsonObject): string => JSON.stringify(identity(object));
  const before = new Map(previous.map((object) => [key(object), object]));
  for (const object of next) {
    const { resource, ...ref } = identity(object);
    const old = before.get(key(object)) ?? {};
    before.delete(key(object));
    if (world.store.get(resource, ref.name, ref.namespace) === undefined) {
      world.store.create(resource, structuredClone(object) as unknown as KubeObject);
      continue;
    }
    world.store.update<KubeObject>(resource, ref, (draft) => {
      Object.assign(draft, threeWayMerge(old, object, draft as unknown as JsonObject));
    });
  }
  for (const object of before.values()) {
    const { resource, ...ref } = identity(object);
    world.store.remove(resource, ref, { propagation: 'Background' });
  }
}

/** `Mon Jan  2 15:04:05 2006`, in UTC. */
function ansic(ms: number): string {
  const [day, date, month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}

function notes(version: string, values: JsonObject): string {
  const hubble = valueAt(values, 'hubble.enabled') !== false;
  const relay = valueAt(values, 'hubble.relay.enabled') === true;
  const what = relay ? ' with Hubble Relay' : hubble ? ' with Hubble' : '';
  const docs = `https://docs.cilium.io/en/v1.${ciliumMinor(version)}/gettinghelp`;
  return `You have successfully installed Cilium${what}.\n\nYour release version is ${version}.\n\nFor any further help, visit ${docs}`;
}

function readValues(texts: readonly string[]): JsonObject {
  return texts.reduce<JsonObject>((values, text) => {
    const read: unknown = parse(text);
    if (read === null || read === undefined) return values;
    if (!isObject(read)) throw new Error('cannot unmarshal values into a map');
    return mergeValuesKeepingNull(values, read);
  }, {});
}

/** Between several files a null stays, so that it can delete the chart's default afterwards. */
function mergeValuesKeepingNull(under: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...under };
  for (const key of Object.keys(over)) {
    const [a, b] = [under[key], over[key]!];
    merged[key] = isObject(a) && isObject(b) ? mergeValuesKeepingNull(a, b) : b;
  }
  return merged;
}

/** Does all of the upgrade at one moment; the caller lets the time pass that downloads and calls take. */
export function upgrade(world: World, request: UpgradeRequest, apiAnswers = world.apiAvailable()): CommandResult {
  if (!apiAnswers)
    return failed(
      'kubernetes cluster unreachable: Get "https://127.0.0.1/version": dial tcp 127.0.0.1: connect: connection refused',
    );
  const previous = lastRelease(world, request.namespace, request.release);
  if (previous === undefined && !request.install)
    return failed(`UPGRADE FAILED: "${request.release}" has no deployed releases`);
  const head = previous === undefined ? `Release "${request.release}" does not exist. Installing it now.\n` : '';
  const prefix = previous === undefined ? '' : 'UPGRADE FAILED: ';

  if (!isReleased(request.version))
    return failed(
      `chart "${request.chart}" version "${request.version}" not found in ${request.repo} repository`,
      head,
    );
  const chart = loadChart(request.version);
  if (chart === undefined) return notModelled(`chart cilium ${request.version} (its values are not bundled)`);

  let user: JsonObject;
  try {
    user = readValues(request.values);
  } catch (error) {
    return failed(`failed to parse -: error converting YAML to JSON: ${(error as Error).message}`, head);
  }
  const values = mergeValues(chart.values, user);
  const invalid = chart.schema === undefined ? [] : validate(chart.schema, values);
  if (invalid.length > 0)
    return failed(
      `${prefix}values don't meet the specifications of the schema(s) in the following chart(s):\ncilium:\n${invalid.join('\n')}\n`,
      head,
    );
  const broken = chartFailure(request.version, values);
  if (broken !== undefined)
    return failed(`${prefix}execution error at (cilium/templates/validate.yaml): ${broken}`, head);
  const { notModelled: lacking } = classifyValues(request.version, user);
  if (lacking.length > 0 && !request.allowNotModelled) return notModelled(`Helm values ${lacking.join(', ')}`);

  const objects = renderChart(request.version, request.namespace, values);
  applyObjects(world, previous === undefined ? [] : objectsOf(previous.manifest), objects);
  const now = world.time.now();
  const release: Release = {
    name: request.release,
    namespace: request.namespace,
    version: (previous?.version ?? 0) + 1,
    info: {
      first_deployed: previous?.info.first_deployed ?? new Date(now).toISOString(),
      last_deployed: new Date(now).toISOString(),
      deleted: '',
      description: previous === undefined ? 'Install complete' : 'Upgrade complete',
      status: 'deployed',
      notes: notes(request.version, values),
    },
    chart: { metadata: chart.metadata },
    config: user,
    manifest: manifestOf(objects),
  };
  saveRelease(world, release, previous);
  const first = previous === undefined ? head : `Release "${request.release}" has been upgraded. Happy Helming!\n`;
  const status = [
    `NAME: ${release.name}`,
    `LAST DEPLOYED: ${ansic(now)}`,
    `NAMESPACE: ${release.namespace}`,
    'STATUS: deployed',
    `REVISION: ${release.version}`,
    'TEST SUITE: None',
    'NOTES:',
    release.info.notes,
  ];
  return answer(`${first}${status.join('\n')}\n`);
}
