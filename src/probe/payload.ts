/**
 * Fetches goldpinger's largest small file from inside a pod's network namespace: a ping's answer is 40 bytes and crosses
 * any tunnel, a wrong MTU only shows on bodies of many full packets. goldpinger's image has neither shell nor curl, so
 * the node's own curl is run in the pod's namespace.
 */
import { CommandNotModelled, type Host, NOT_MODELLED } from '../host/host.ts';
import { PROBE_NAMESPACE, PROBE_PORT } from './manifests.ts';

/** 264 kB in every goldpinger since 2.0. */
export const PAYLOAD_PATH = '/static/jquery/3.1.0/jquery.js';
/** What must at least arrive; curl itself fails when less came than the server announced. */
export const PAYLOAD_BYTES = 200_000;

export interface PayloadResult {
  readonly ok: boolean;
  readonly bytes: number;
  /** '' when it arrived whole. */
  readonly error: string;
}

export interface PayloadOptions {
  /** Milliseconds for the transfer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export class PayloadReader {
  readonly #host: Host;
  /** Process id of each sandbox by pod uid and node start; looked up once. */
  readonly #processes = new Map<string, string>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** GETs the file from `to` out of the network namespace of pod `from`. Never throws but for the signal and {@link CommandNotModelled}. */
  async fetch(
    from: { readonly node: string; readonly pod: string; readonly uid: string; readonly ip: string },
    to: { readonly ip: string },
    options: PayloadOptions,
  ): Promise<PayloadResult> {
    // The address is part of the key: a restarted node gives the same pod a new sandbox and a new address.
    const key = `${from.uid}/${from.ip}`;
    const pid = this.#processes.get(key) ?? (await this.#process(from, options));
    if (typeof pid !== 'string') return pid;
    const seconds = String(Math.ceil(options.timeoutMs / 1_000));
    const url = `http://${to.ip}:${PROBE_PORT}${PAYLOAD_PATH}`;
    const result = await this.#exec(
      from.node,
      [
        ...['nsenter', '--target', pid, '--net', 'curl', '--silent', '--show-error', '--noproxy', '*'],
        ...['--max-time', seconds, '--output', '/dev/null', '--write-out', '%{http_code}:%{size_download}', url],
      ],
      options,
    );
    if (typeof result === 'string') return { ok: false, bytes: 0, error: result };
    const [code, size] = result.stdout.trim().split(':');
    const bytes = Number(size) || 0;
    if (result.exitCode !== 0) {
      // A namespace that is gone fails the same way for ever: look the process up again next time.
      this.#processes.delete(key);
      return { ok: false, bytes, error: result.stderr.trim() || `curl ended with ${result.exitCode}` };
    }
    this.#processes.set(key, pid);
    if (code !== '200') return { ok: false, bytes, error: `HTTP ${code}` };
    if (bytes < PAYLOAD_BYTES) return { ok: false, bytes, error: `only ${bytes} bytes arrived` };
    return { ok: true, bytes, error: '' };
  }

  async #process(from: { node: string; pod: string }, options: PayloadOptions): Promise<string | PayloadResult> {
    const none = (error: string): PayloadResult => ({ ok: false, bytes: 0, error });
    const pods = ['crictl', 'pods', '--namespace', PROBE_NAMESPACE, '--name', `^${from.pod}$`, '--state', 'ready'];
    const sandboxes = await this.#exec(from.node, [...pods, '--quiet'], options);
    if (typeof sandboxes === 'string') return none(sandboxes);
    const sandbox = sandboxes.stdout.trim().split('\n')[0];
    if (sandboxes.exitCode !== 0 || !sandbox) return none(`no ready sandbox of ${from.pod} on ${from.node}`);
    const inspect = ['crictl', 'inspectp', '--output', 'go-template', '--template', '{{.info.pid}}', sandbox];
    const process = await this.#exec(from.node, inspect, options);
    if (typeof process === 'string') return none(process);
    const pid = process.stdout.trim();
    if (process.exitCode !== 0 || !/^\d+$/.test(pid)) return none(`no process of ${from.pod} on ${from.node}`);
    return pid;
  }

  /** The command's result, or why it could not be run. */
  async #exec(node: string, args: readonly string[], options: PayloadOptions) {
    try {
      const result = await this.#host.run('docker', ['exec', node, ...args], {
        timeoutMs: options.timeoutMs + 5_000,
        ...(options.signal ? { signal: options.signal } : {}),
      });
      if (result.exitCode === NOT_MODELLED) throw new CommandNotModelled(result.stderr.trim());
      return result;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof CommandNotModelled) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }
}
