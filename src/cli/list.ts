/** `rehearse list`: what there is. */
import { ASSERTIONS } from '../events/events.ts';
import { FAULTS } from '../faults/catalogue/index.ts';
import { faultRow } from '../faults/list.ts';
import { nearest } from '../scenario/nearest.ts';
import { readScenario } from '../scenario/read.ts';
import { hasTwinData, knownVersions } from '../scenario/versions.ts';
import { bundledFile, bundledScenarios } from '../session/scenario-choice.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import type { Output } from './output.ts';
import { UsageError } from './usage.ts';

const TOPICS = ['scenarios', 'faults', 'rules', 'checkpoints', 'versions'] as const;

export const list: Command = {
  name: 'list',
  usage: 'list scenarios|faults|rules|checkpoints|versions [--json]',
  summary: 'List scenarios, faults, preflight rules, checkpoints with their assertions, or known versions.',
  flags: { json: { kind: 'boolean', help: 'Print one JSON document.' } },
  run: async (words, output) => {
    const args = parseArguments('list', words, list.flags, 1);
    const asked = args.positionals[0];
    const topic = TOPICS.find((candidate) => candidate === asked);
    if (topic === undefined) {
      const like = asked === undefined ? undefined : nearest(asked, TOPICS);
      throw new UsageError(
        `list ${asked ?? ''}: one of ${TOPICS.join(', ')} is wanted${like === undefined ? '' : `; did you mean ${like}?`}`.replace(
          'list :',
          'list:',
        ),
        'list',
      );
    }
    switch (topic) {
      case 'faults':
        return faults(output, args.has('json'));
      case 'rules':
        return rules(output, args.has('json'));
      case 'scenarios':
        return scenarios(output, args.has('json'));
      case 'checkpoints':
        return checkpoints(output, args.has('json'));
      case 'versions':
        return versions(output, args.has('json'));
    }
  },
};

function scenarios(output: Output, json: boolean): number {
  const rows = bundledScenarios().map((name) => {
    const { description, cluster, providers } = readScenario(bundledFile(name), `scenarios/${name}.yaml`);
    return { name, controlPlanes: cluster.controlPlanes, workers: cluster.workers, providers, description };
  });
  if (json) output.result(`${JSON.stringify(rows, null, 2)}\n`);
  else {
    output.result(
      table(
        rows.map((row) => [row.name, `${row.controlPlanes}+${row.workers}`, row.providers.join(','), row.description]),
      ),
    );
  }
  return 0;
}

function faults(output: Output, json: boolean): number {
  const rows = FAULTS.map(faultRow);
  if (json) output.result(`${JSON.stringify(rows, null, 2)}\n`);
  else output.result(table(rows.map((row) => [row.usage, row.starts, row.refusedBy ?? '-', row.summary])));
  return 0;
}

async function checkpoints(output: Output, json: boolean): Promise<number> {
  const { checkpointKinds } = await import('../rehearsal/checkpoint-kinds.ts');
  const kinds = checkpointKinds();
  if (json) output.result(`${JSON.stringify({ checkpoints: kinds, assertions: ASSERTIONS }, null, 2)}\n`);
  else output.result(table(kinds.map(({ id, phase, assertions }) => [id, phase, assertions.join(', ')])));
  return 0;
}

async function rules(output: Output, json: boolean): Promise<number> {
  const { RULES } = await import('../preflight/rules/index.ts');
  const rows = RULES.map(({ id, title, severity, source, judgeScenario, judgeCluster }) => ({
    id,
    severity,
    static: judgeScenario !== undefined,
    live: judgeCluster !== undefined,
    title,
    source,
  }));
  if (json) output.result(`${JSON.stringify(rows, null, 2)}\n`);
  else {
    const when = (row: (typeof rows)[number]): string =>
      [row.static ? 'static' : '', row.live ? 'live' : ''].filter((word) => word !== '').join('+');
    output.result(table(rows.map((row) => [row.id, row.severity, when(row), row.title])));
  }
  return 0;
}

function versions(output: Output, json: boolean): number {
  const components = ['kubernetes', 'calico', 'cilium'] as const;
  const known = Object.fromEntries(
    components.map((component) => [
      component,
      knownVersions(component).map((version) => ({ version, twin: hasTwinData(component, version) })),
    ]),
  ) as Record<(typeof components)[number], { version: string; twin: boolean }[]>;
  if (json) output.result(`${JSON.stringify(known, null, 2)}\n`);
  else {
    output.result(
      components
        .map((component) => {
          const onTwin = known[component].filter(({ twin }) => twin).map(({ version }) => version);
          return `${component}: ${onTwin.join(', ')}${known[component].length > onTwin.length ? ` (with data for the twin; ${known[component].length} known)` : ''}\n`;
        })
        .join(''),
    );
  }
  return 0;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows
    .map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')}\n`)
    .join('');
}
