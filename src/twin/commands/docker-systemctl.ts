/**
 * `systemctl` on a node: which units start when the container boots. kind's units lie in /etc/systemd/system themselves, so
 * they cannot be masked (`File … already exists`); disabled, they stay away from the next boot on (kind,
 * images/base/Dockerfile and files/etc/systemd/system).
 */
import type { CommandResult } from '../../host/host.ts';
import type { TwinMachine } from '../node/machine.ts';
import { answer } from './command.ts';

const UNITS = ['containerd', 'kubelet'] as const;
const WANTS = '/etc/systemd/system/multi-user.target.wants';

/** undefined for words that are not in the decision record. */
export function systemctl(machine: TwinMachine, args: readonly string[]): CommandResult | undefined {
  const [verb, ...rest] = args;
  const now = verb === 'enable' && rest[0] === '--now';
  const names = now ? rest.slice(1) : rest;
  if (names.length === 0 || (verb !== 'disable' && verb !== 'enable')) return undefined;
  const units = names.map((name) => name.replace(/\.service$/, ''));
  const unknown = units.find((unit) => !UNITS.some((known) => known === unit));
  if (unknown !== undefined) return undefined;
  const told = units.flatMap((unit) => {
    const link = `${WANTS}/${unit}.service`;
    if (verb === 'disable' && machine.disabledUnits.has(unit)) return [];
    if (verb === 'enable' && !machine.disabledUnits.has(unit)) return [];
    if (verb === 'disable') machine.disabledUnits.add(unit);
    else machine.disabledUnits.delete(unit);
    return verb === 'disable'
      ? [`Removed '${link}'.\n`]
      : [`Created symlink '${link}' \u2192 '/etc/systemd/system/${unit}.service'.\n`];
  });
  if (now) machine.startUnits();
  return answer('', told.join(''));
}
