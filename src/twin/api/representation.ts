/** What an answer looks like: plain objects, Tables or metadata only; JSON or YAML (recorded in files 01 and 04). */
import { stringify } from 'yaml';
import type { KubeObject } from '../../kube/objects.ts';
import { isMap, objectText } from './json.ts';
import { TEMPLATE_GENERATION } from './object-rules.ts';
import type { Column } from './printer-columns.ts';
import { type Printer, printerOf } from './printers.ts';
import { apiVersion } from './registry.ts';
import type { Route } from './route.ts';
import { badRequest, StatusError } from './status.ts';
import type { Store } from './store.ts';

/** The form that a client asked for with its Accept header. */
export interface Form {
  readonly as: 'Object' | 'Table' | 'Metadata';
  /** Of meta.k8s.io, for Tables and metadata. */
  readonly version: 'v1' | 'v1beta1';
  readonly yaml: boolean;
  readonly pretty: boolean;
  /** Of Tables: how much of each row's object goes along. */
  readonly include: 'Metadata' | 'Object' | 'None';
}

const MEDIA = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** What the path is about; `status`: answers that are no objects of a resource. */
export type Subject = 'one' | 'list' | 'status';

/** The first clause of an Accept header that can be met. @throws StatusError 406, or 400 for a bad includeObject */
export function negotiate(
  accept: string | undefined,
  query: ReadonlyMap<string, string>,
  subject: Subject,
  subjectType = 'unstructured.UnstructuredList',
): Form {
  const pretty = query.get('pretty') === 'true' || query.get('pretty') === '1';
  const clauses = (accept ?? '').split(',').flatMap((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    if (type === '') return [];
    return [{ type, parameters: new Map(parameters.map((one) => one.split('=', 2) as [string, string])) }];
  });
  if (clauses.length === 0) clauses.push({ type: '*/*', parameters: new Map() });
  let variants = false;
  for (const { type, parameters } of clauses) {
    const yaml = type === 'application/yaml';
    if (!yaml && !['application/json', '*/*', 'application/*'].includes(type)) continue;
    const as = parameters.get('as');
    const base = { yaml, pretty, version: 'v1', include: 'Metadata' } as const;
    if (as === undefined) return { ...base, as: 'Object' };
    variants = true;
    const version = parameters.get('v');
    const known = parameters.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1');
    if (!known || subject === 'status') continue;
    if (as === 'Table') return { ...base, version, as: 'Table', include: includeOf(query) };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      const list = as.endsWith('List');
      if (list === (subject === 'list')) return { ...base, version, as: 'Metadata' };
      const found = list ? 'not a list' : `a list (*${subjectType})`;
      throw new StatusError(406, 'NotAcceptable', `you requested ${as}, but the requested object is ${found}`);
    }
  }
  if (variants) throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${MEDIA}`);
  const text = `406: Not Acceptable\n\nAvailable representations: ${MEDIA}`;
  throw new StatusError(406, 'NotAcceptable', text, {});
}

/** A watch of one object's metadata asks for the single form, whatever the path. */
export function negotiateWatch(accept: string | undefined, query: ReadonlyMap<string, string>): Form {
  const single = (accept ?? '').includes('as=PartialObjectMetadataList') ? 'list' : 'one';
  return negotiate(accept, query, single);
}

function includeOf(query: ReadonlyMap<string, string>): Form['include'] {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'Metadata' || value === 'Object' || value === 'None') return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Turns the objects of a route into text. */
export interface Renderer {
  one(object: KubeObject): string;
  list(objects: readonly KubeObject[], meta: ListMeta): string;
  /** The object of a watch event; only the first Table of a stream has columns. */
  event(object: KubeObject): string;
}

/** A renderer for one request. A resource without known columns is not made a Table: the plain object is sent. */
export function rendererOf(form: Form, route: Route, store: Store): Renderer {
  const { info, version } = route;
  const type = { kind: info.kind, apiVersion: apiVersion(info.group, version) };
  const printer =
    form.as === 'Table'
      ? printerOf(info, version, info.schemas === undefined ? undefined : store.get(DEFINITIONS, info.name))
      : undefined;
  if (printer !== undefined) return tableRenderer(printer, form, type, () => store.time.now());
  if (form.as === 'Metadata') {
    const meta = `meta.k8s.io/${form.version}`;
    const partial = (object: KubeObject): string => metadataText(object, meta);
    return {
      one: partial,
      event: partial,
      list: (objects, listMeta) => listText('PartialObjectMetadataList', meta, listMeta, objects.map(partial)),
    };
  }
  // Items of built-in lists carry no type, those of custom resources do.
  const itemType = info.schemas === undefined ? undefined : type;
  const own = (object: KubeObject): string =>
    objectText(object, object.kind === info.kind ? type : typeIn(object, type));
  return {
    one: own,
    event: own,
    list: (objects, meta) => {
      const listMeta = info.schemas === undefined ? meta : { continue: '', ...meta };
      const texts = objects.map((object) => objectText(object, itemType));
      return listText(`${info.kind}List`, type.apiVersion, listMeta, texts);
    },
  };
}

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

const typeIn = (object: KubeObject, otherwise: { kind: string; apiVersion: string }) => ({
  kind: object.kind ?? otherwise.kind,
  apiVersion: object.apiVersion ?? '',
});

function listText(kind: string, version: string, meta: ListMeta, items: readonly string[]): string {
  const head = JSON.stringify({ kind, apiVersion: version, metadata: meta });
  return `${head.slice(0, -1)},"items":[${items.join(',')}]}`;
}

const metadataText = (object: KubeObject, version: string): string =>
  JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: version, metadata: object.metadata });

/** In Tables a DaemonSet's count of templates is a field of the internal type, not an annotation (recorded: table-daemonsets). */
function inTable(object: KubeObject): KubeObject {
  if (object.kind !== 'DaemonSet') return object;
  const { [TEMPLATE_GENERATION]: _, ...annotations } = object.metadata.annotations ?? {};
  const { annotations: _all, ...metadata } = object.metadata;
  const some = Object.keys(annotations).length > 0;
  return { ...object, metadata: { ...metadata, ...(some && { annotations }) } as KubeObject['metadata'] };
}

function tableRenderer(
  printer: Printer,
  form: Form,
  type: { kind: string; apiVersion: string },
  now: () => number,
): Renderer {
  const version = `meta.k8s.io/${form.version}`;
  const objectOf = (object: KubeObject): string => {
    if (form.include === 'None') return 'null';
    return form.include === 'Object' ? objectText(object, type) : metadataText(inTable(object), version);
  };
  const row = (object: KubeObject): string =>
    `{"cells":${JSON.stringify(printer.cells(object, now()))},${conditionsText(object)}"object":${objectOf(object)}}`;
  const table = (meta: ListMeta, columns: readonly Column[] | null, rows: readonly string[]): string => {
    const head = JSON.stringify({ kind: 'Table', apiVersion: version, metadata: meta, columnDefinitions: columns });
    return `${head.slice(0, -1)},"rows":[${rows.join(',')}]}`;
  };
  const conditionsText = (object: KubeObject): string => {
    const conditions = printer.conditions?.(object) ?? [];
    return conditions.length === 0 ? '' : `"conditions":${JSON.stringify(conditions)},`;
  };
  let first = true;
  const single = (object: KubeObject, columns: readonly Column[] | null): string =>
    table({ resourceVersion: object.metadata.resourceVersion ?? '' }, columns, [row(object)]);
  return {
    one: (object) => single(object, printer.columns),
    list: (objects, meta) => table(meta, printer.columns, objects.map(row)),
    event: (object) => {
      const columns = first ? printer.columns : null;
      first = false;
      return single(object, columns);
    },
  };
}

/** The body as it goes out, with its media type. */
export function encoded(text: string, form: Form | undefined): { body: string; type: string } {
  if (form?.yaml === true) return { body: yamlText(JSON.parse(text)), type: 'application/yaml' };
  const body = form?.pretty === true ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return { body, type: 'application/json' };
}

/** YAML as Go's sigs.k8s.io/yaml writes it: sorted keys, lists not indented. */
function yamlText(value: unknown): string {
  const plain = isMap(value) ? value : {};
  return stringify(plain, { sortMapEntries: true, indentSeq: false, lineWidth: 0, version: '1.1' });
}
