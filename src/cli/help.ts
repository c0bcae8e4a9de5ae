import { type Flags, HELP } from './arguments.ts';
import type { Command } from './command.ts';

/** The overview: `rehearse --help`. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Dress rehearsal for a live CNI migration from Calico to Cilium.',
    '',
    'Usage: rehearse COMMAND [SCENARIO] [FLAGS]',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'SCENARIO is a file or the name of one in scenarios/ (rehearse list scenarios); left out, it is lab.',
    '',
    'Flags:',
    '  --help, -h  Show this help, or that of a command: rehearse run --help.',
    '  --version   Show the version.',
    '',
    'Exit codes: 0 passed; 1 failed, the migration is unsafe; 2 refused, bad input or a rule; 3 error of the environment;',
    '64 not modelled by the embedded cluster; 130 cancelled.',
    '',
  ].join('\n');
}

/** `rehearse run --help`. */
export function commandHelp(command: Command): string {
  const lines = [`Usage: rehearse ${command.usage}`, '', command.summary];
  if (command.details !== undefined) lines.push('', command.details);
  lines.push('', 'Flags:', ...flagLines({ ...command.flags, ...HELP }), '');
  return lines.join('\n');
}

function flagLines(flags: Flags): string[] {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const left = flag.kind === 'boolean' ? `--${name}` : `--${name} ${flag.value ?? 'VALUE'}`;
    return { left: name === 'help' ? '--help, -h' : left, help: flag.help };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`);
}
