/** The types of built-in kinds, taken from the models of @kubernetes/client-node. */

/** Field name to type: `string`, `int`, `number`, `boolean`, `time`, `any`, a name of another type, `[]T` or `{}T`. */
export type KubernetesFields = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

const WORDS: Readonly<Record<string, string>> = { Date: 'time', V1MicroTime: 'time', IntOrString: 'int-or-string' };

function typeText(type: string, format: string): string {
  const list = /^Array<(.*)>$/.exec(type);
  if (list !== null) return `[]${typeText(list[1]!, format)}`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map !== null) return `{}${typeText(map[1]!, format)}`;
  if (type === 'number') return format.startsWith('int') ? 'int' : 'number';
  return WORDS[type] ?? type;
}

/** All models that the library's kinds reach, by the name of their class, in order of names. */
export async function kubernetesFields(): Promise<KubernetesFields> {
  const library = (await import('@kubernetes/client-node')) as unknown as Record<
    string,
    { attributeTypeMap?: Attribute[] }
  >;
  const models = Object.entries(library).filter(([, model]) => Array.isArray(model?.attributeTypeMap));
  const kept = models.filter(([name]) => !/List$/.test(name) && !/^V\d+(alpha|beta)/.test(name));
  return Object.fromEntries(
    kept
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, model]) => [
        name,
        Object.fromEntries(
          model.attributeTypeMap!.map(({ baseName, type, format }) => [baseName, typeText(type, format)]),
        ),
      ]),
  );
}
