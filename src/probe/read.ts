/**
 * Asks one instance for its `/check`: through the API server's pod proxy, and from the pod's own node where the proxy
 * cannot (observed: a policy, or a control plane whose agent is not up yet, blinds the proxy, never the pod's own node).
 *
 * "The API could not be reached" is not decided here: a proxied call that gets no answer may be either, so the caller
 * looks at the API itself (see rehearsal/sampler.ts).
 */
import { CommandNotModelled, type Host, NOT_MODELLED } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import { ApiUnreachable, KubeError } from '../kube/api.ts';
import { type CheckBody, parseCheck } from './check.ts';
import { PROBE_NAMESPACE, PROBE_PORT } from './manifests.ts';

export type AccessPath = 'proxy' | 'fallback';

export type Reading =
  | { readonly kind: 'read'; readonly path: AccessPath; readonly body: CheckBody }
  | {
      readonly kind: 'unreadable';
      /** What both paths said, for people. */
      readonly error: string;
      /** The pod does not exist any more (404): nobody's fault. */
      readonly gone: boolean;
    };

/** What one path said. `silent`: no answer at all, so that the API itself may be away. */
export type Attempt =
  | { readonly body: CheckBody }
  | { readonly error: string; readonly gone: boolean; readonly silent: boolean };

export interface Asked {
  readonly pod: string;
  readonly node: string;
  readonly ip: string;
}

/** Milliseconds for one path. */
export const READ_TIMEOUT_MS = 3_000;
/**
 * Readings past the API at the same time. Each starts a process in a container (90 ms of a quiet machine, measured on kind
 * 0.32), and they come all at once when a control plane restarts, where a machine of two cores has other things to do.
 */
const NODE_READS = 6;

export class InstanceReader {
  readonly #api: KubeApi;
  readonly #host: Host;
  readonly #waiting: (() => void)[] = [];
  #nodeReads = 0;

  constructor(api: KubeApi, host: Host) {
    this.#api = api;
    this.#host = host;
  }

  async byProxy(pod: Asked, signal?: AbortSignal): Promise<Attempt> {
    try {
      const answer = await this.#api.proxyPod(
        { namespace: PROBE_NAMESPACE, name: pod.pod, port: PROBE_PORT },
        '/check',
        { signal, timeoutMs: READ_TIMEOUT_MS },
      );
      if (answer.status !== 200) return failure(`the pod answered ${answer.status}`);
      return { body: parseCheck(answer.body) };
    } catch (error) {
      signal?.throwIfAborted();
      // An embedded world that lacks a model has not answered for the pod; no path around it may hide that.
      if (error instanceof KubeError && error.code === 501) throw error;
      return {
        error: `API proxy: ${text(error)}`,
        gone: error instanceof KubeError && error.code === 404,
        silent: error instanceof ApiUnreachable,
      };
    }
  }

  async byNode(pod: Asked, signal?: AbortSignal): Promise<Attempt> {
    // The place of one that has ended goes to the next in the queue, so that the count stays.
    if (this.#nodeReads >= NODE_READS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#nodeReads++;
    try {
      signal?.throwIfAborted();
      return await this.#fromNode(pod, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#nodeReads--;
    }
  }

  async #fromNode(pod: Asked, signal?: AbortSignal): Promise<Attempt> {
    const seconds = Math.ceil(READ_TIMEOUT_MS / 1_000);
    const url = `http://${pod.ip}:${PROBE_PORT}/check`;
    const curl = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', String(seconds), url];
    try {
      const result = await this.#host.run('docker', ['exec', pod.node, ...curl], {
        timeoutMs: READ_TIMEOUT_MS * 2,
        ...(signal ? { signal } : {}),
      });
      if (result.exitCode === NOT_MODELLED) throw new CommandNotModelled(result.stderr.trim());
      if (result.exitCode !== 0) {
        return failure(`docker exec ${pod.node} curl: ${result.stderr.trim() || `exit code ${result.exitCode}`}`);
      }
      return { body: parseCheck(result.stdout) };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof CommandNotModelled) throw error;
      return failure(`docker exec ${pod.node} curl: ${text(error)}`);
    }
  }

  /**
   * Both paths, `first` first.
   * @returns the reading, and whether the API stayed silent on the proxied call.
   */
  async read(pod: Asked, first: AccessPath, signal?: AbortSignal): Promise<{ reading: Reading; silent: boolean }> {
    const order: AccessPath[] = first === 'proxy' ? ['proxy', 'fallback'] : ['fallback', 'proxy'];
    const errors: string[] = [];
    let silent = false;
    for (const path of order) {
      const attempt = await (path === 'proxy' ? this.byProxy(pod, signal) : this.byNode(pod, signal));
      if ('body' in attempt) return { reading: { kind: 'read', path, body: attempt.body }, silent };
      errors.push(attempt.error);
      silent ||= attempt.silent;
      if (attempt.gone) return { reading: { kind: 'unreadable', error: attempt.error, gone: true }, silent };
    }
    return { reading: { kind: 'unreadable', error: errors.join('; '), gone: false }, silent };
  }
}

function failure(error: string): Attempt {
  return { error, gone: false, silent: false };
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
