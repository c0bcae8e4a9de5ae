/** `curl` on a node or in a pod's network namespace: a connection through the twin's network, and what the process answers. */
import type { CommandResult } from '../../host/host.ts';
import type { Listener, Source } from '../network/network.ts';
import type { HttpAnswer } from '../world.ts';
import { answer, failure } from './command.ts';
import type { NodeDoors } from './docker-exec.ts';

interface Request {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly maxMs: number;
  /** `--write-out` format; then the body goes to /dev/null. */
  readonly format: string | undefined;
}

/** What kubeadm's kubelet answers to those without a certificate (KubeletConfiguration, authentication.anonymous false). */
const KUBELET_PORT = 10_250;
const UNAUTHORIZED: HttpAnswer = { status: 401, body: 'Unauthorized' };

const FORMATS = ['%{http_code}', '%{http_code}:%{size_download}'];

/** undefined for words that are not in the decision record. */
export async function curl(
  doors: NodeDoors,
  from: Source,
  args: readonly string[],
  signal: AbortSignal,
): Promise<CommandResult | undefined> {
  const request = readArguments(args);
  if (request === undefined) return undefined;
  const { host, port, maxMs, path } = request;
  const ip = /^[\d.]+$/.test(host) ? host : doors.cluster.machines.get(host)?.address;
  const failed = (code: number, text: string): CommandResult =>
    failure(`curl: (${code}) ${text}\n`, code, request.format === undefined ? '' : fill(request.format, '000', 0));
  if (ip === undefined) return failed(6, `Could not resolve host: ${host}`);
  const first = connect(doors, from, ip, port);
  if ('failure' in first) {
    if (first.failure === 'timeout') {
      await doors.sleep(maxMs, signal);
      return failed(28, `Connection timed out after ${maxMs + 1} milliseconds`);
    }
    return failed(7, `Failed to connect to ${host} port ${port} after 0 ms: Could not connect to server`);
  }
  const { http } = first;
  if (http === undefined) return failed(52, 'Empty reply from server');
  const size = http.bytes ?? Buffer.byteLength(http.body);
  // The handshake fits everywhere; the answer has to fit the path as well.
  const whole = connect(doors, from, ip, port, size);
  if ('failure' in whole) {
    await doors.sleep(maxMs, signal);
    return failed(28, `Operation timed out after ${maxMs + 1} milliseconds with 0 bytes received`);
  }
  await doors.sleep(Math.ceil(whole.milliseconds) + 2, signal);
  if (request.format === undefined) return answer(http.body);
  return answer(fill(request.format, String(http.status).padStart(3, '0'), size));

  function connect(
    { cluster, machine }: NodeDoors,
    source: Source,
    address: string,
    toPort: number,
    bytes?: number,
  ): { milliseconds: number; http: HttpAnswer | undefined } | { failure: 'timeout' | 'refused' } {
    const onNode = 'node' in source;
    if (address.startsWith('127.')) {
      const admitted = onNode ? cluster.world.network.admission(machine.name, address, toPort) : 'ok';
      if (admitted !== 'ok') return { failure: admitted === 'timeout' ? 'timeout' : 'refused' };
      const at: Listener = onNode ? { node: machine.name, port: toPort } : { podUid: source.podUid, port: toPort };
      const http =
        onNode && toPort === KUBELET_PORT && machine.running() ? UNAUTHORIZED : cluster.pods.answer(at, path);
      return http === undefined ? { failure: 'refused' } : { milliseconds: 0, http };
    }
    const outcome = cluster.world.network.connect(source, {
      ip: address,
      port: toPort,
      ...(bytes !== undefined && { bytes }),
    });
    if (!outcome.ok) return { failure: outcome.failure === 'timeout' ? 'timeout' : 'refused' };
    const http = 'node' in outcome.at && toPort === KUBELET_PORT ? UNAUTHORIZED : cluster.pods.answer(outcome.at, path);
    return { milliseconds: outcome.milliseconds, http };
  }
}

const fill = (format: string, code: string, size: number): string =>
  format.replace('%{http_code}', code).replace('%{size_download}', String(size));

/** Takes the flags in the order of the decision record, no others. */
function readArguments(args: readonly string[]): Request | undefined {
  const rest = [...args];
  const take = (...words: string[]): boolean => {
    if (!words.every((word, index) => rest[index] === word)) return false;
    rest.splice(0, words.length);
    return true;
  };
  if (!take('--silent', '--show-error')) return undefined;
  const insecure = take('--insecure');
  if (!take('--noproxy', '*', '--max-time')) return undefined;
  const seconds = Number(rest.shift());
  let format: string | undefined;
  if (take('--output', '/dev/null', '--write-out')) {
    format = rest.shift();
    if (format === undefined || !FORMATS.includes(format)) return undefined;
  }
  const url = /^(https?):\/\/([^/:]+)(?::(\d+))?(\/.*)?$/.exec(rest[0] ?? '');
  if (url === null || rest.length !== 1 || !(seconds > 0)) return undefined;
  const secure = url[1] === 'https';
  // Only the API server and the kubelet speak TLS, with certificates that nobody on the node trusts.
  if (secure !== insecure) return undefined;
  return {
    host: url[2]!,
    port: Number(url[3] ?? (secure ? 443 : 80)),
    path: url[4] ?? '/',
    maxMs: seconds * 1000,
    format,
  };
}
