/** Which answers of an API server pass by asking again. */
import { KubeError } from './api.ts';

/** Failures of a server in trouble: overload, a leader election of etcd, an aggregated API that starts. */
const IN_TROUBLE: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** For how long a server that has just started may deny everybody everything, milliseconds; starved machines included. */
export const DENIAL_MS = 60_000;

export function isInTrouble(error: unknown): boolean {
  return error instanceof KubeError && IN_TROUBLE.has(error.code);
}

/**
 * The authorizer's no. A server that was started again answers before it has read its roles, and until then even the
 * administrator of kubeadm 1.29 and later, who is one by a ClusterRoleBinding, is denied (kubernetes issue 121635).
 * Admission says no in other words (`is forbidden: violates PodSecurity …`), and its no stays.
 */
export function isDenial(error: unknown): boolean {
  return error instanceof KubeError && error.code === 403 && /\bforbidden: User "/.test(error.message);
}
