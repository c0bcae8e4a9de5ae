/** Discovery documents list what is served: of a recorded one, the part that this server serves too is compared. */

type JsonMap = Record<string, unknown>;
const maps = (value: unknown): JsonMap[] => (Array.isArray(value) ? (value as JsonMap[]) : []);

const idOf = (item: JsonMap): string => {
  const metadata = item.metadata as JsonMap | undefined;
  return String(
    metadata === undefined ? (item.name ?? item.resource ?? item.version ?? item.subresource) : (metadata.name ?? ''),
  );
};

const LISTS = ['groups', 'items', 'versions', 'resources', 'subresources'];

/** A recorded document without entries that the own one does not have. */
export function onlyServed(recorded: unknown, own: unknown): unknown {
  if (typeof recorded !== 'object' || recorded === null || Array.isArray(recorded)) return recorded;
  const mine = (own ?? {}) as JsonMap;
  const result: JsonMap = {};
  for (const [name, value] of Object.entries(recorded)) {
    if (!LISTS.includes(name) || !Array.isArray(value)) result[name] = value;
    else {
      const kept = maps(value).flatMap((item) => {
        const same = maps(mine[name]).find((one) => idOf(one) === idOf(item));
        return same === undefined ? [] : [onlyServed(item, same)];
      });
      if (kept.length > 0 || Array.isArray(mine[name])) result[name] = kept;
    }
  }
  return result;
}
