/** Holds the contract against a cluster: `npm run test:contract -- --kubeconfig FILE [--only TEXT]`. */
import { parseArgs } from 'node:util';
import { CASES } from './cases/index.ts';
import { runCase } from './contract.ts';
import { clusterTarget } from './target.ts';

const { values } = parseArgs({ options: { kubeconfig: { type: 'string' }, only: { type: 'string' } } });
if (values.kubeconfig === undefined) {
  console.error('test:contract needs --kubeconfig FILE: the cluster against which the contract is held');
  process.exit(2);
}
const target = await clusterTarget(values.kubeconfig);
const run = `contract-${process.pid}`;
let failed = 0;
try {
  for (const [index, one] of CASES.entries()) {
    if (values.only !== undefined && !one.name.includes(values.only)) continue;
    if (one.needs === 'kubelets' && !target.kubelets) {
      console.log(`skipped  ${one.name}: no kubelet is ready here`);
      continue;
    }
    try {
      await runCase(target, one, `${run}-${index}`);
      console.log(`passed   ${one.name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED   ${one.name}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }
} finally {
  await target.close();
}
console.log(failed === 0 ? 'the contract holds' : `${failed} cases differ`);
process.exitCode = failed === 0 ? 0 : 1;
