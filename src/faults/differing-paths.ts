/** Which keys of a scenario two versions of it have otherwise: `cilium.values.cni.customConf`. */

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of the leaves that differ; lists count as one leaf, so that two changes of one list collide. */
export function differingPaths(before: unknown, after: unknown, prefix = ''): string[] {
  if (!isMap(before) || !isMap(after)) return JSON.stringify(before) === JSON.stringify(after) ? [] : [prefix];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const [one, other] = [before[key], after[key]];
    // A map that only one side has is looked into: `cilium.values` gains keys, not itself.
    if (one === undefined && isMap(other)) return differingPaths({}, other, path);
    if (other === undefined && isMap(one)) return differingPaths(one, {}, path);
    return differingPaths(one, other, path);
  });
}
