/** Hashes of pod templates, for names and labels. The values are our own; stability and alphabet are Kubernetes' (util/rand SafeEncodeString). */
import { hash32 } from '../../time/random.ts';
import { canonical } from './common.ts';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** At most ten letters that cannot form words. */
export function templateHash(template: unknown, collisions = 0): string {
  const digits = String(hash32(`${canonical(template)}/${collisions}`));
  return [...digits].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}
