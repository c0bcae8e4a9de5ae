/** Holds the contract against a cluster: `npm run test:contract -- --kubeconfig FILE [--only TEXT]`. */
import { parseArgs } from 'node:util';
import { CASES } from './cases/index.ts';
import { runCase } from './contract.ts';
import { clusterTarget, type Target } from './target.ts';

const { values } = parseArgs({ options: { kubeconfig: { type: 'string' }, only: { type: 'string' } } });
if (values.kubeconfig === undefined) {
  console.error('test:contract needs --kubeconfig FILE: the cluster against which the contract is held');
  process.exit(2);
}

/** Two interruptions end at once and leave what there is; the first lets the case in hand clean up behind itself. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    console.log(`${signal}: deleting what was made; once more ends at once`);
    stop.abort(new Error('interrupted'));
  });
}

/** Once interrupted, nothing but deletions goes to the cluster: a case ends at its next step, its clean-up does not. */
function stoppable(target: Target): Target {
  const go = (): void => stop.signal.throwIfAborted();
  return {
    ...target,
    call: (method, path, body, headers) => {
      if (method !== 'DELETE') go();
      return target.call(method, path, body, headers);
    },
    watch: (path, enough, act) => {
      go();
      return target.watch(path, (events) => stop.signal.aborted || enough(events), act);
    },
    pause: async (ms) => {
      go();
      await target.pause(ms);
    },
  };
}

const GONE_MS = 120_000;
const LOOK_MS = 500;

/** Waits until the namespaces are gone. Gives back those that are not. */
async function gone(target: Target, names: readonly string[]): Promise<string[]> {
  let left = [...names];
  for (let waited = 0; left.length > 0 && waited < GONE_MS; waited += LOOK_MS) {
    const { body } = await target.call('GET', '/api/v1/namespaces');
    const there = new Set((body.items as { metadata: { name: string } }[]).map((one) => one.metadata.name));
    left = left.filter((name) => there.has(name));
    if (left.length > 0) await target.pause(LOOK_MS);
  }
  return left;
}

const cluster = await clusterTarget(values.kubeconfig);
const target = stoppable(cluster);
const run = `contract-${process.pid}`;
const made: string[] = [];
let failed = 0;
try {
  for (const [index, one] of CASES.entries()) {
    if (stop.signal.aborted) break;
    if (values.only !== undefined && !one.name.includes(values.only)) continue;
    if (one.needs === 'kubelets' && !target.kubelets) {
      console.log(`skipped  ${one.name}: no kubelet is ready here`);
      continue;
    }
    const namespace = `${run}-${index}`;
    made.push(namespace);
    try {
      await runCase(target, one, namespace);
      console.log(`passed   ${one.name}`);
    } catch (error) {
      if (stop.signal.aborted) break;
      failed += 1;
      console.log(`FAILED   ${one.name}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const left = await gone(cluster, made);
  if (left.length > 0) {
    failed += 1;
    console.log(`FAILED   clean-up: still there after ${GONE_MS / 1000} s: namespaces ${left.join(', ')}`);
  }
} finally {
  await cluster.close();
}
if (stop.signal.aborted) {
  console.log('interrupted: what was made is deleted, nothing is said about the contract');
  process.exit(130);
}
console.log(failed === 0 ? 'the contract holds' : `${failed} cases differ`);
process.exit(failed === 0 ? 0 : 1);
