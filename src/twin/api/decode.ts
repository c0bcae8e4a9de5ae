/** Bodies as they come in: JSON, YAML or protobuf to an object of the kind that the path serves, or a real server's refusal. */
import { parse as parseYaml } from 'yaml';
import type { KubeObject } from '../../kube/objects.ts';
import { isMap, type JsonMap } from './json.ts';
import { duplicateKeys, goSyntaxError } from './json-text.ts';
import { checkType, type Findings, typeOfKind } from './kind-fields.ts';
import { fromProtobuf, PROTOBUF } from './protobuf.ts';
import { isMessage } from './protobuf-message.ts';
import { apiVersion } from './registry.ts';
import type { Route } from './route.ts';
import type { ServerRequest } from './server.ts';
import { badRequest, invalidObject, StatusError } from './status.ts';
import { checkStructure } from './structural-schema.ts';

export const contentType = ({ headers }: ServerRequest): string =>
  (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();

/** The body as a map. Apply patches are read as YAML 1.1, as Go's sigs.k8s.io/yaml does. @throws StatusError 400 */
export function bodyOf(request: ServerRequest, kind: string): JsonMap {
  if (contentType(request) === PROTOBUF) return fromProtobuf(request, kind);
  const text = request.body ?? '';
  // Clients send apply patches as JSON; it is YAML too, but reading it as such takes a hundred times longer.
  const yaml = contentType(request).endsWith('yaml') && !text.startsWith('{');
  let value: unknown;
  let complaint = '';
  try {
    value = yaml ? parseYaml(text, { version: '1.1' }) : JSON.parse(text);
    if (isMap(value)) return value;
    const word = Array.isArray(value) ? 'array' : typeof value;
    complaint = `json: cannot unmarshal ${word} into Go value of type struct`;
  } catch {
    complaint = yaml ? 'yaml: invalid document' : goSyntaxError(text);
  }
  const shown = text === '' ? '<empty>' : text;
  throw badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${complaint} (${shown})`,
  );
}

/** What becomes of fields that no schema knows (query parameter fieldValidation). */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** @throws StatusError 422 for another word. `kind`: of the options, such as CreateOptions */
export function fieldValidationOf({ query }: ServerRequest, kind: string): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  if (value === '') return 'Warn';
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value;
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`;
  const named = { plural: '', group: 'meta.k8s.io', kind };
  throw invalidObject(named, '', [{ field: 'fieldValidation', reason: 'FieldValueNotSupported', message }]);
}

/** What a decoder found wrong without refusing it: texts for Warning headers. */
export interface Decoded {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

const MEDIA = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** The object in a POST or PUT. @throws StatusError 400 and 415 */
export function decodeObject(request: ServerRequest, route: Route, options: string): Decoded {
  const type = contentType(request);
  const json = type === '' || type === 'application/json';
  // Custom resources have no messages; a real server drops the connection then (seen with 1.34.4).
  const binary = type === PROTOBUF && route.info.schemas === undefined;
  if (!json && !binary && type !== 'application/yaml') {
    const text = `the body of the request was in an unknown format - accepted media types include: ${MEDIA}`;
    throw new StatusError(415, 'UnsupportedMediaType', text);
  }
  const validation = fieldValidationOf(request, options);
  const { info } = route;
  const body = bodyOf(request, info.kind);
  checkKind(body, route);
  const repeated = json && validation !== 'Ignore' ? duplicateKeys(request.body ?? '') : [];
  const problems = repeated.map((path) => `duplicate field ${JSON.stringify(path)}`);
  const { object, unknown, wrong } = checkedObject(body, route);
  const handled = `${info.kind} in version ${JSON.stringify(route.version)} cannot be handled as a ${info.kind}`;
  if (wrong !== undefined) throw badRequest(`${handled}: ${wrong}`);
  if (!binary) problems.push(...unknown.map((path) => `unknown field ${JSON.stringify(path)}`));
  if (validation === 'Strict' && problems.length > 0) {
    throw badRequest(`${handled}: strict decoding error: ${problems.join(', ')}`);
  }
  return { object: inNamespace(object, route), warnings: validation === 'Warn' ? problems : [] };
}

/** Kind and version of a body must be those of the path; they may be left out. */
export function checkKind(body: JsonMap, route: Route): void {
  const { info, version } = route;
  const expected = apiVersion(info.group, version);
  const { kind, apiVersion: given } = body;
  if (info.schemas !== undefined) {
    if (given !== undefined && given !== expected) {
      throw badRequest(
        `the API version in the data (${String(given)}) does not match the expected API version (${expected})`,
      );
    }
    if (kind !== undefined && kind !== info.kind) {
      const problem = `Invalid value: ${JSON.stringify(kind)}: must be ${info.kind}`;
      const name = isMap(body.metadata) && typeof body.metadata.name === 'string' ? body.metadata.name : '';
      const named = { plural: info.plural, group: info.group, kind: String(kind) };
      throw invalidObject(named, name, [{ field: 'kind', reason: 'FieldValueInvalid', message: problem }]);
    }
    return;
  }
  const [saidKind, saidVersion] = [String(kind || info.kind), String(given || expected)];
  if (saidKind === info.kind && saidVersion === expected) return;
  const short = saidVersion.split('/').at(-1);
  const internal = info.group === '' ? 'core' : info.group.split('.')[0];
  // What has a message is registered.
  const why = isMessage(`${saidVersion}.${saidKind}`)
    ? `converting (${short}.${saidKind}) to (${internal}.${info.kind}): unknown conversion`
    : `no kind "${saidKind}" is registered for version "${saidVersion}" in scheme "pkg/runtime/scheme.go:110"`;
  throw badRequest(`${saidKind} in version "${short}" cannot be handled as a ${info.kind}: ${why}`);
}

/** The namespace of a body is that of the path. @throws StatusError 400 */
export function inNamespace(object: KubeObject, { info, namespace: asked }: Route): KubeObject {
  const metadata = isMap(object.metadata) ? object.metadata : ({} as KubeObject['metadata']);
  const { namespace } = metadata;
  if (namespace !== undefined && namespace !== '' && info.namespaced && namespace !== asked) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, metadata: { ...metadata, ...(info.namespaced && { namespace: asked }) } } as KubeObject;
}

export interface Checked {
  /** Without nulls and unknown fields. */
  readonly object: KubeObject;
  readonly unknown: readonly string[];
  /** In the words of Go's decoder. */
  readonly wrong: string | undefined;
}

/** A value as an object of the route's kind: by the types of built-in kinds, or by the schema of a CRD. */
export function checkedObject(value: JsonMap, { info, version }: Route): Checked {
  const schema = info.schemas?.get(version);
  if (schema !== undefined) {
    const { pruned, unknown } = checkStructure(value, schema);
    return { object: pruned as unknown as KubeObject, unknown, wrong: undefined };
  }
  const type = typeOfKind(info, version);
  if (type === undefined) return { object: value as unknown as KubeObject, unknown: [], wrong: undefined };
  const findings: Findings = { unknown: [] };
  const object = checkType(value, type, findings) as KubeObject;
  const { wrong } = findings;
  const text =
    wrong && `json: cannot unmarshal ${wrong.found} into Go struct field ${wrong.field} of type ${wrong.wanted}`;
  return { object, unknown: findings.unknown, wrong: text };
}
