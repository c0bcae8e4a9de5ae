/** docs/faults.md from the catalogue; written by `npm run schemas`, and a test demands that it is what this writes. */
import { FAULTS } from '../src/faults/catalogue/index.ts';
import { endsOf } from '../src/faults/ends.ts';
import { faultRow } from '../src/faults/list.ts';

const HEAD = `# Faults

What can be broken on purpose, and how the rehearsal must end then. A fault changes the scenario, the cluster or the network,
never the verdict. This page is written from the catalogue (src/faults/catalogue) by \`npm run schemas\`.

\`\`\`sh
bin/rehearse run lab --fault calico-first-found:node=kind-worker2
bin/rehearse plan lab --fault pod-cidr-overlap:of=services    # where it starts; nothing is touched
bin/rehearse list faults
bin/rehearse drill                # every fault against this table, on all cores; exit 1 when one is off
bin/rehearse drill minimal --fault policy-selectors --json
bin/rehearse drill --random 50     # drawn scenarios with drawn faults or none; each run says how to have it again
npm run sweep -- --seeds 3        # at the first, a middle and the last node, for several seeds
\`\`\`

\`--fault NAME[:KEY=VALUE[,KEY=VALUE]...]\` may be repeated. \`node\`, \`from\` and \`to\` are nodes of the scenario. \`at\` is a
step (it starts at its beginning), a checkpoint (right after it has passed), or a kind such as \`uncordon/*\`, the first of
which is meant. \`for\` is how long it lasts; where it is not listed, the fault cannot be healed. \`npm run sweep\` and the drill
judge the end *and* the blame: reason, assertions, pairs and names.

The ends: \`failed:CHECKPOINT\`, \`refused:RULE\`, \`error:REASON\`, \`passed\` (a real cluster tolerates it, so red would be as bad as
a missed fault), \`latent\` (passed, with a finding: nobody is harmed yet). Where the end depends on addresses that are drawn, it
is worked out by arithmetic from what the run showed, never from its verdict. The report has it under \`faults\`.
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The whole page. */
export function faultsPage(): string {
  const rows = FAULTS.map(faultRow);
  const table = rows.map(({ name, usage, starts, providers, refusedBy }) => {
    const ends = endsOf(name).map(({ when, end }) => (when === '' ? end : `\`${when}\`: ${end}`));
    const rule = refusedBy === null ? '' : `\`${refusedBy}\``;
    return `| \`${cell(usage)}\` | ${starts === 'scenario' ? starts : `\`${starts}\``} | ${providers.join(', ')} | ${rule} | ${ends.map(cell).join('; ')} |`;
  });
  const details = rows.flatMap(({ name, summary, mechanism, source, arguments: taken }) => [
    `### ${name}`,
    summary.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replace(/\.?$/, '.'),
    mechanism,
    ...taken.map(
      ({ key, help, required, values, otherwise }) =>
        `- \`${key}\`${values ? ` (${values.map((value) => `\`${value}\``).join(', ')})` : ''}: ${help}${required ? '; required' : otherwise === undefined ? '' : `; left out: ${otherwise}`}.`,
    ),
    '',
    `Source: ${source}.`,
    '',
  ]);
  return [
    HEAD,
    '| fault | starts | providers | refused by | must end, with that rule allowed |',
    '| --- | --- | --- | --- | --- |',
    ...table,
    '',
    '## What they do',
    '',
    ...details,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
