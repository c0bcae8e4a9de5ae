/**
 * Compares an answer with the recorded one by the rules of the recording's README: what differs between any two clusters
 * (uids, versions, times, drawn names and addresses) must correspond, all else must be equal.
 */

export interface Difference {
  /** `body.items[0].metadata.labels`. */
  readonly path: string;
  readonly recorded: unknown;
  readonly own: unknown;
}

type JsonMap = Record<string, unknown>;
const isMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Rule 7: ages in the cells of Tables. */
const DURATION = /^(\d+[smhdy])+$|^<unknown>$/;

/** Rule 3: checked for their form only. */
const TIMES = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'lastTransitionTime',
  'lastHeartbeatTime',
  'lastUpdateTime',
  'lastProbeTime',
  'startTime',
  'startedAt',
  'finishedAt',
  'renewTime',
  'acquireTime',
  'timeAdded',
  'firstTimestamp',
  'lastTimestamp',
  'eventTime',
  'time',
  'kubectl.kubernetes.io/restartedAt',
  'endpoints.kubernetes.io/last-change-trigger-time',
]);
/** Rule 7 and the value of an ETag. */
const DROPPED = new Set(['storageVersionHash', 'retryAfterSeconds', 'hash', 'ETag', 'remainingAge']);
/** Rule 6. */
const ADDRESSES = new Set(['clusterIP', 'podIP', 'hostIP', 'ip', 'podCIDR', 'nodePort', 'address', 'serverAddress']);
/** Rule 5: written inside the recorded cluster by components that do not go over the API here. */
const COMPONENTS = new Set(['kube-controller-manager', 'kube-scheduler', 'kube-apiserver']);

/** Rule 10: texts with the internals of Go. */
const GO =
  /is invalid: patch: Invalid value: "\{|^Invalid value: "\{|Go struct field|Go value of type|unknown conversion|StorageError|pod updates may not change|map\[|valueUnstructured|pkg\/api\/legacyscheme/;

const UID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** NAME-HASH-RANDOM, NAME-HASH or NAME-RANDOM, as controllers and generateName draw them (rule 4). */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]{5}';
const HASH = '[bcdf0-9ghjklmnpqrstvwxz]{8,10}';
const DRAWN = new RegExp(`^(.*?)(?:-(${HASH}))?-(${RANDOM})$|^(.*?)-(${HASH})$`);

const timeForm = (value: unknown): string => {
  if (value === null || value === undefined) return 'none';
  const text = String(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return 'seconds';
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text) ? 'microseconds' : `not a time: ${text}`;
};

/** What of a recording stands for what of this server. Values that differ must correspond one to one. */
export class Correspondence {
  readonly #own = new Map<string, string>();
  readonly #recorded = new Map<string, string>();

  /** The own value that stands for a recorded one. */
  get(kind: string, recorded: string): string | undefined {
    return this.#own.get(`${kind} ${recorded}`);
  }

  /** Do the two stand for each other? Learns the pair when neither is known. */
  agree(kind: string, recorded: string, own: string): boolean {
    const known = this.#own.get(`${kind} ${recorded}`);
    const back = this.#recorded.get(`${kind} ${own}`);
    if (known === undefined && back === undefined) {
      this.#own.set(`${kind} ${recorded}`, own);
      this.#recorded.set(`${kind} ${own}`, recorded);
      return true;
    }
    return known === own && back === recorded;
  }

  /** The recorded value stands for another one from now on. */
  rebind(kind: string, recorded: string, own: string): void {
    const before = this.#own.get(`${kind} ${recorded}`);
    if (before !== undefined) this.#recorded.delete(`${kind} ${before}`);
    this.#own.set(`${kind} ${recorded}`, own);
    this.#recorded.set(`${kind} ${own}`, recorded);
  }

  isTaken(kind: string, own: string): boolean {
    return this.#recorded.has(`${kind} ${own}`);
  }

  pairs(kind: string): [string, string][] {
    return [...this.#own].flatMap(([key, own]) =>
      key.startsWith(`${kind} `) ? [[key.slice(kind.length + 1), own]] : [],
    );
  }

  /** A text of the recording in the words of this server. */
  translate(text: string): string {
    let result = text.replace(UID, (uid) => this.get('uid', uid) ?? uid);
    for (const [recorded, own] of this.pairs('name')) result = result.replaceAll(recorded, own);
    result = result.replace(/"resourceVersion":"(\d+)"/g, (whole, version: string) => {
      const own = this.get('version', version);
      return own === undefined ? whole : `"resourceVersion":"${own}"`;
    });
    return result
      .replace(/([?&]continue=)([^&]+)/g, (whole, head: string, token: string) => {
        const own = this.get('continue', token);
        return own === undefined ? whole : `${head}${own}`;
      })
      .replace(/([?&]resourceVersion=)(\d{2,})/g, (whole, head: string, version: string) => {
        const own = this.get('version', version) ?? this.get('list', version);
        return own === undefined ? whole : `${head}${own}`;
      });
  }
}

/** `dep` of `dep-5dcb6d9f98-gcpkq`; undefined for a name that nobody drew. */
export function baseOf(name: string): string | undefined {
  const match = DRAWN.exec(name);
  return match?.[1] ?? match?.[4];
}

/** All differences between two JSON values. */
export function compare(recorded: unknown, own: unknown, known: Correspondence, path = ''): Difference[] {
  const found: Difference[] = [];
  walk(recorded, own, path, '', known, found);
  return found;
}

function walk(
  recorded: unknown,
  own: unknown,
  path: string,
  key: string,
  known: Correspondence,
  found: Difference[],
): void {
  const differ = (): void => void found.push({ path, recorded, own });
  if (DROPPED.has(key)) return;
  if (TIMES.has(key)) {
    if (timeForm(recorded) !== timeForm(own)) differ();
    return;
  }
  if (key === 'managedFields') {
    compareManagers(recorded, own, path, known, found);
    return;
  }
  if (recorded === '<certificate removed>' && typeof own === 'string') return;
  if (Array.isArray(recorded) && Array.isArray(own)) {
    if (recorded.some((item) => typeof item === 'string') && own.some(isMap)) own = shortened(own, String(recorded[0]));
    if (!Array.isArray(own)) return;
    if (recorded.length !== own.length)
      found.push({ path: `${path}.length`, recorded: recorded.length, own: own.length });
    for (const [index, [left, right]] of pairItems(recorded, own, key, known).entries()) {
      walk(
        left,
        key === 'conditions' ? withoutStaleReason(left, right) : right,
        `${path}[${index}]`,
        key.replace(/s$/, ''),
        known,
        found,
      );
    }
    return;
  }
  if (isMap(recorded) && isMap(own)) {
    // Identity first: what follows is told apart by it.
    const whole = Array.isArray(recorded.items) || Array.isArray(recorded.rows) || recorded.type === 'BOOKMARK';
    const names = [...new Set([...Object.keys(recorded), ...Object.keys(own)])];
    names.sort(
      (a, b) => Number(b === 'metadata') - Number(a === 'metadata') || Number(b === 'name') - Number(a === 'name'),
    );
    for (const name of names) {
      if (name === 'message' && typeof recorded.message === 'string' && GO.test(recorded.message)) continue;
      if (whole && (name === 'metadata' || name === 'object')) {
        const inner = name === 'object' ? `${path}.object` : path;
        walkWhole(recorded[name], own[name], inner, known, found);
      } else if (name === 'managedFields' && /rows\[\d+\]\.object/.test(path) && recorded[name] === undefined) {
        // The recorder removed them from the rows of Tables.
      } else if (name === 'managedFields' && (recorded[name] === undefined || own[name] === undefined)) {
        compareManagers(recorded[name] ?? [], own[name] ?? [], `${path}.${name}`, known, found);
      } else if (TIMES.has(name) || DROPPED.has(name))
        walk(recorded[name], own[name], `${path}.${name}`, name, known, found);
      else if (!(name in recorded) || !(name in own)) {
        found.push({ path: `${path}.${name}`, recorded: recorded[name], own: own[name] });
      } else walk(recorded[name], own[name], `${path}.${name}`, name, known, found);
    }
    return;
  }
  if (typeof recorded === 'string' && typeof own === 'string') {
    if (!sameText(recorded, own, key, known)) differ();
    return;
  }
  if (key === 'nodePort' && typeof recorded === 'number' && typeof own === 'number') {
    if (own < 30_000 || own > 32_767) differ();
    return;
  }
  if (recorded !== own) differ();
}

function sameText(recorded: string, own: string, key: string, known: Correspondence): boolean {
  if (key === 'uid') return known.agree('uid', recorded, own);
  if (key === 'resourceVersion') return known.agree('version', recorded, own);
  if (key === 'continue') return known.agree('continue', recorded, own) && tokenForm(recorded) === tokenForm(own);
  if (recorded === own) return true;
  if (ADDRESSES.has(key) || key === 'podIPs' || key === 'clusterIPs') return sameAddress(recorded, own);
  if (key === 'value' && /^n-\d$/.test(recorded) && /^n-\d$/.test(own)) return true;
  if (key === 'nodeName') return /^n-\d$/.test(recorded) && /^n-\d$/.test(own);
  const base = baseOf(recorded);
  if (key === 'cell') {
    if (DURATION.test(recorded) && DURATION.test(own)) return true;
    if (/^n-\d$/.test(recorded) && /^n-\d$/.test(own)) return true;
    if (sameAddress(recorded.replaceAll(',', ''), own.replaceAll(',', ''))) return true;
    const hashes = new RegExp(`=${HASH}$`);
    if (recorded.replace(hashes, '') === own.replace(hashes, '')) return true;
  }
  if (key === 'generateName')
    return recorded.replace(new RegExp(`${HASH}-$`), '') === own.replace(new RegExp(`${HASH}-$`), '');
  const drawn = new RegExp(`${RANDOM}$`);
  if (key === 'name' && recorded.slice(0, -5) === own.slice(0, -5) && drawn.test(recorded) && drawn.test(own)) {
    return known.agree('name', recorded, own);
  }
  if (base !== undefined && base === baseOf(own)) return known.agree('name', recorded, own);
  if (/^[bcdf0-9ghjklmnpqrstvwxz]{6,10}$/.test(recorded) && key.endsWith('-hash'))
    return known.agree('hash', recorded, own);
  return normalText(known.translate(recorded)) === normalText(own);
}

/** The version of a list or bookmark moves with everybody's writes: only that it is a number is compared. */
function walkWhole(recorded: unknown, own: unknown, path: string, known: Correspondence, found: Difference[]): void {
  const versionOf = (value: unknown): unknown => {
    const inner = isMap(value) && isMap(value.metadata) ? value.metadata : value;
    return isMap(inner) ? inner.resourceVersion : undefined;
  };
  const left = versionOf(recorded);
  const right = versionOf(own);
  if (typeof left === 'string' && typeof right === 'string' && /^\d+$/.test(right)) known.agree('list', left, right);
  else if (left !== right) found.push({ path: `${path}.metadata.resourceVersion`, recorded: left, own: right });
  const without = (value: unknown): unknown => {
    if (!isMap(value)) return value;
    const { resourceVersion: _, ...rest } = value;
    return isMap(rest.metadata) ? { ...rest, metadata: without(rest.metadata) } : rest;
  };
  walk(without(recorded), without(own), `${path}.metadata`, 'metadata', known, found);
}

function tokenForm(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  return text
    .replace(/"rv":(-1|\d+)/, (_, version: string) => (version === '-1' ? '"rv":-1' : '"rv":N'))
    .replace(new RegExp(`(-${HASH})?-${RANDOM}(?=\\\\u0000)`), '-X');
}

const sameAddress = (recorded: string, own: string): boolean =>
  /^[\d.]+(\/\d+)?$/.test(recorded) && /^[\d.]+(\/\d+)?$/.test(own) && recorded.includes('/') === own.includes('/');

/** Numbers and drawn parts inside messages. */
function normalText(text: string): string {
  return text
    .replace(UID, 'UID')
    .replace(/in record \(\d+\)/, 'in record (N)')
    .replace(/resource version: (\d+) \(\d+\)/, 'resource version: $1 (N)')
    .replace(/Too large resource version: \d+, current: \d+/, 'Too large resource version: N, current: N')
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-X')
    .replace(new RegExp(`-${HASH}-${RANDOM}`, 'g'), '-H-X')
    .replace(new RegExp(`-${HASH}(?=")`, 'g'), '-H')
    .replace(/\b192\.168\.\d+\.\d+/g, 'ADDRESS');
}

/** Rule 12: the fake kubelet left reasons behind on conditions that had become True; the recording was cleaned of them. */
function withoutStaleReason(recorded: unknown, own: unknown): unknown {
  const cleaned = isMap(recorded) && recorded.status === 'True' && recorded.reason === undefined;
  if (!cleaned || !isMap(own) || (own.type !== 'Ready' && own.type !== 'ContainersReady')) return own;
  const { reason: _reason, message: _message, ...rest } = own;
  return rest;
}

/** The recorder reduced most lists to names, or to namespace/name. */
function shortened(items: readonly unknown[], like: string): unknown[] {
  return items.map((item) => {
    const metadata = isMap(item) && isMap(item.metadata) ? item.metadata : {};
    return like.includes('/') ? `${String(metadata.namespace)}/${String(metadata.name)}` : metadata.name;
  });
}

/** Pairs list items: by name, those with a drawn name in the order of their bases; all others by place. */
function pairItems(recorded: unknown[], own: unknown[], key: string, known: Correspondence): [unknown, unknown][] {
  if (key === 'conditions') return pairBy(recorded, own, (item) => (isMap(item) ? String(item.type) : ''));
  const nameOf = (item: unknown): string | undefined => {
    if (typeof item === 'string') return item;
    if (!isMap(item)) return undefined;
    const metadata = isMap(item.metadata)
      ? item.metadata
      : isMap(item.object) && isMap(item.object.metadata)
        ? item.object.metadata
        : item;
    return typeof metadata.name === 'string' ? metadata.name : undefined;
  };
  const drawn = recorded.some((item) => baseOf(nameOf(item) ?? '') !== undefined);
  if (!drawn || recorded.length !== own.length) return recorded.map((item, index) => [item, own[index]]);
  const left = [...own];
  return recorded.map((item) => {
    const name = nameOf(item) ?? '';
    const wanted = known.get('name', name) ?? name;
    let at = left.findIndex((one) => nameOf(one) === wanted);
    if (at < 0) {
      const base = baseOf(name);
      at = left.findIndex(
        (one) => base !== undefined && baseOf(nameOf(one) ?? '') === base && !known.isTaken('name', nameOf(one) ?? ''),
      );
    }
    if (at < 0) at = 0;
    return [item, left.splice(at, 1)[0]];
  });
}

function pairBy(recorded: unknown[], own: unknown[], idOf: (item: unknown) => string): [unknown, unknown][] {
  const left = [...own];
  return recorded.map((item, index) => {
    const at = left.findIndex((one) => idOf(one) === idOf(item));
    return [item, at < 0 ? own[index] : left.splice(at, 1)[0]];
  });
}

/** Rule 5: a set of entries; those of components inside the cluster are left out. */
function compareManagers(
  recorded: unknown,
  own: unknown,
  path: string,
  known: Correspondence,
  found: Difference[],
): void {
  const entries = (value: unknown): string[] =>
    (Array.isArray(value) ? (value as JsonMap[]) : [])
      .filter((entry) => !COMPONENTS.has(String(entry.manager)))
      // Go writes `lastProbeTime: null`; a time that is null is not written here, so nobody owns it.
      .map(({ time: _, ...entry }) =>
        known
          .translate(stable(entry))
          .replaceAll('"f:lastProbeTime":{},', '')
          .replace(/192\.168\.\d+\.\d+/g, 'ADDRESS'),
      )
      .sort();
  const left = entries(recorded);
  const right = entries(own);
  if (left.join('\n') !== right.join('\n')) {
    const only = (a: string[], b: string[]): string[] => a.filter((entry) => !b.includes(entry));
    found.push({ path, recorded: only(left, right), own: only(right, left) });
  }
}

export function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (!isMap(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stable(field)}`).join(',')}}`;
}
