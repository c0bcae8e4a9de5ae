/** The messages of Kubernetes' protobuf encoding, with the names that their fields have in JSON. Pure. */

/**
 * Of one field: its name in JSON, its type, and whether a zero is left out of JSON (`omitempty` of what is no pointer).
 *
 * A name `''`: JSON has the message's fields in their parent (`inline`). A name `=`: JSON has the field's value in place of the
 * message. Types: `string`, `bytes`, `bool`, `int`, `double`, `json` (bytes that hold JSON), the name of a message, `[]T` or `{}T`.
 */
export type Field = readonly [name: string, type: string, omitted?: 1];

/** By the name of a message, `apps/v1.Deployment`, and the number of a field. */
export type Messages = Record<string, Record<string, Field>>;

/** What is published of one version of an API group. */
export interface Package {
  /** As objects of it have it, such as `apps/v1`. */
  readonly apiVersion: string;
  /** Text of its generated.proto. */
  readonly proto: string;
  /** Texts of its Go files; the tags in them have the names for JSON, which generated.proto has not. */
  readonly go: readonly string[];
}

/** Messages with a MarshalJSON of their own, by the last part of their name: the value of which field JSON has in their place. */
const IN_PLACE: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  Quantity: { 1: ['=', 'string'] },
  RawExtension: { 1: ['=', 'json'] },
  FieldsV1: { 1: ['=', 'json'] },
  JSON: { 1: ['=', 'json'] },
  // Lists of texts under a name of their own.
  ExtraValue: { 1: ['=', '[]string'] },
  Verbs: { 1: ['=', '[]string'] },
};

const NUMBERS = /^(u?int|s?fixed|sint)(32|64)$/;

/** Names of the fields of Go structs, by struct and number: `{ Volume: { 2: { name: '', omitted: false } } }`. */
function namesInGo(texts: readonly string[]): Map<string, Map<string, { name: string | undefined; omitted: boolean }>> {
  const structs = new Map<string, Map<string, { name: string | undefined; omitted: boolean }>>();
  for (const [, struct, body] of texts.join('\n').matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const fields = new Map<string, { name: string | undefined; omitted: boolean }>();
    for (const [, declared, tags] of body!.matchAll(/^\t(\w[^`\n/]*?)\s*`([^`]*)`/gm)) {
      const number = /protobuf:"\w+,(\d+),/.exec(tags!)?.[1];
      if (number === undefined) continue;
      const [name, ...options] = (/json:"([^"]*)"/.exec(tags!)?.[1] ?? '').split(',');
      const type = declared!.trim().split(/\s+/).at(-1)!;
      const inline = options.includes('inline');
      const omitted = options.includes('omitempty') && !type.startsWith('*');
      fields.set(number, { name: inline ? '' : name === '-' ? undefined : name || undefined, omitted });
    }
    if (fields.size > 0) structs.set(struct!, fields);
  }
  return structs;
}

const withoutComments = (proto: string): string =>
  proto.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');

/** The name of a proto package to the apiVersion of its objects: `k8s.io.api.apps.v1` to `apps/v1`. */
const packageName = (proto: string): string => /^package ([\w.]+);/m.exec(withoutComments(proto))![1]!;

/** All messages of the packages. @throws Error for a field that no Go struct names, or of a message that is not there */
export function protobufMessages(packages: readonly Package[]): Messages {
  const versions = new Map(packages.map(({ proto, apiVersion }) => [packageName(proto), apiVersion]));
  const messages: Messages = {};
  for (const { apiVersion, proto, go } of packages) {
    const structs = namesInGo(go);
    for (const [, message, body] of withoutComments(proto).matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
      const name = `${apiVersion}.${message}`;
      messages[name] = IN_PLACE[message!] ?? fieldsOf(message!, body!, apiVersion, versions, structs.get(message!));
    }
  }
  for (const [name, fields] of Object.entries(messages)) {
    for (const [, type] of Object.values(fields)) {
      const inner = type.replace(/^(\[\]|\{\})/, '');
      if (inner.includes('.') && messages[inner] === undefined)
        throw new Error(`${name}: there is no message ${inner}`);
    }
  }
  return messages;
}

function fieldsOf(
  message: string,
  body: string,
  apiVersion: string,
  versions: ReadonlyMap<string, string>,
  inGo: ReadonlyMap<string, { name: string | undefined; omitted: boolean }> | undefined,
): Record<string, Field> {
  const typeOf = (word: string): string => {
    if (NUMBERS.test(word)) return 'int';
    if (/^[a-z]\w+$/.test(word)) return word;
    const path = word.replace(/^\./, '').split('.');
    const last = path.pop()!;
    const version = path.length === 0 ? apiVersion : versions.get(path.join('.'));
    if (version === undefined) throw new Error(`${apiVersion}.${message}: the package of ${word} is not there`);
    return `${version}.${last}`;
  };
  const fields: Record<string, Field> = {};
  const line = /^\s*(?:(optional|repeated) ([\w.]+)|map<string, ([\w.]+)>) (\w+) = (\d+);/gm;
  for (const [, label, single, values, name, number] of body.matchAll(line)) {
    const type = values === undefined ? `${label === 'repeated' ? '[]' : ''}${typeOf(single!)}` : `{}${typeOf(values)}`;
    // Time, MicroTime and IntOrString, whose values the decoder puts together, are the only ones without tags for JSON.
    const known = inGo?.get(number!) ?? (inGo === undefined ? { name: undefined, omitted: false } : undefined);
    if (known === undefined) throw new Error(`${apiVersion}.${message}.${name}: no Go struct has it`);
    const inJson = message.startsWith('JSONSchemaPropsOr') ? '=' : (known.name ?? name!);
    fields[number!] = known.omitted ? [inJson, type, 1] : [inJson, type];
  }
  return fields;
}
