#!/usr/bin/env node
// The command of the npm package: everything is in dist, for the Node that runs this. A clone has bin/rehearse.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(`rehearse: Node 24 or newer is needed, this is ${process.versions.node}\n`);
  process.exit(3);
}
await import('../dist/cli.mjs');
