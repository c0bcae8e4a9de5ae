/** Sub-commands that the contract names and this version does not have: they say so and touch nothing. */
import type { Command } from './command.ts';
import { notInThisVersion } from './usage.ts';

const notYet = (name: string): Command => ({
  name,
  usage: name,
  summary: 'Not in this version.',
  flags: {},
  run: async () => {
    throw notInThisVersion(`rehearse ${name}`);
  },
});

export const notYetCommands: readonly Command[] = ['history'].map(notYet);
