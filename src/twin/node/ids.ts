/** Identifiers and timestamps as containerd, docker and the kubelet write them. */
import type { Random } from '../../time/random.ts';

/** Lower-case hexadecimal digits, as in container and sandbox ids. */
export function hexId(random: Random, digits = 64): string {
  let text = '';
  while (text.length < digits) text += random.integer(0, 0xffffffff).toString(16).padStart(8, '0');
  return text.slice(0, digits);
}

/** RFC 3339 in whole seconds, as the API's times are written. */
export const stamp = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
