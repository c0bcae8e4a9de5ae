/**
 * Bodies in Kubernetes' protobuf, as kubectl's generators (`kubectl create deployment`) and other typed clients send them.
 * Refusals are in the words of kube-apiserver (recorded: test/fixtures/protobuf/answers.json).
 */
import { isMap, type JsonMap } from './json.ts';
import { isMessage, readMessage } from './protobuf-message.ts';
import type { ServerRequest } from './server.ts';
import { badRequest, StatusError } from './status.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** What an encoded object begins with; a runtime.Unknown follows. */
const MAGIC = 'k8s\0';

/**
 * The object in a body, with kind and apiVersion. The body is latin1: one character for each byte.
 * @throws StatusError 400, and 500 for DeleteOptions
 */
export function fromProtobuf({ body = '', path }: ServerRequest, wanted: string): JsonMap {
  const refusal = (what: string, error: unknown, shown = ''): StatusError => {
    const why = (error as Error).message;
    return wanted === 'DeleteOptions' ? new StatusError(500, undefined, why) : badRequest(`${what}: ${why}${shown}`);
  };
  let envelope: JsonMap;
  try {
    envelope = envelopeIn(body);
  } catch (error) {
    const what = `the object provided is unrecognized (must be of type ${wanted})`;
    throw refusal(what, error, ` (${summary(body)})`);
  }
  // What the envelope does not say, the path does.
  const [, root, ...parts] = path.split('/');
  const { apiVersion: said, kind = wanted } = envelope as { apiVersion?: string; kind?: string };
  const known = said !== undefined && said.split('/').length <= 2;
  const apiVersion = known ? said : parts.slice(0, root === 'api' ? 1 : 2).join('/');
  try {
    // Options are of every version.
    const options = wanted === 'DeleteOptions';
    const name = options ? `meta.k8s.io/v1.${kind}` : `${apiVersion}.${kind}`;
    if (!isMessage(name) || (options && kind !== wanted)) {
      throw new Error(
        `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:110"`,
      );
    }
    const object = readMessage(Buffer.from(String(envelope.raw ?? ''), 'base64'), name);
    return { kind, apiVersion, ...(isMap(object) && object) };
  } catch (error) {
    throw refusal(`${kind} in version "${apiVersion.split('/').at(-1)}" cannot be handled as a ${wanted}`, error);
  }
}

function envelopeIn(body: string): JsonMap {
  if (body === '') throw new Error('empty data');
  const expected = 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]';
  if (!body.startsWith(MAGIC)) throw new Error(expected);
  if (body === MAGIC) throw new Error('empty body');
  return readMessage(Buffer.from(body.slice(MAGIC.length), 'latin1'), 'runtime.Unknown') as JsonMap;
}

/** The beginning of a body as it is shown: text that may be JSON, otherwise hexadecimal. */
function summary(body: string): string {
  if (body === '' || body.startsWith('{')) return body.slice(0, 30) || '<empty>';
  return Buffer.from(body.slice(0, 30), 'latin1').toString('hex') + (body.length > 30 ? ' ...' : '');
}
