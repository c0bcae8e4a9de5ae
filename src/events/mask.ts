/**
 * Masks secrets in events: values under keys that look secret, the data of Secret objects, and key material or tokens
 * wherever they stand. What only *names* a secret stays readable (`secretName`, cilium's `agent-not-ready-taint-key`
 * and `secretsNamespace`), because a report without names helps nobody.
 */
import type { EventBody, ValueChange } from './events.ts';
import { MASKED, maskString, maskText } from './mask-text.ts';
import { holdsKeys, isSecretKey, isSecretPath } from './secret-keys.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Texts that are files of their own: manifests, configurations, logs. */
const DOCUMENTS = new Set(['content', 'manifest']);
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The event with its secrets masked; the same object when there are none. */
export function maskEvent(body: EventBody): EventBody {
  if (body.type !== 'values') return maskValue(body) as EventBody;
  const changed = body.changed.map(maskChange);
  const values = maskValue(body.values) as typeof body.values;
  return { ...body, values, changed };
}

function maskChange(change: ValueChange): ValueChange {
  const path = change.path.split('.');
  const key = path.at(-1) ?? '';
  const mask = (value: unknown): unknown =>
    isSecretPath(path) ? maskAll(value) : maskField(key, value, { [key]: value });
  return { ...change, before: mask(change.before), after: mask(change.after) };
}

/** A JSON value with its secrets masked; the same reference when there are none. */
export function maskValue(value: unknown, keysInside = false): unknown {
  if (typeof value === 'string') return maskString(value);
  if (typeof value !== 'object' || value === null) return value;
  // Lists below a section of certificates hold other things' keys (tolerations, selectors).
  if (Array.isArray(value)) return maskItems(value, (item) => maskValue(item));
  return maskObject(value as Fields, keysInside);
}

function maskItems(items: readonly unknown[], mask: (item: unknown) => unknown): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, item] of items.entries()) {
    const masked = mask(item);
    if (masked === item) continue;
    copy ??= [...items];
    copy[index] = masked;
  }
  return copy ?? items;
}

function maskFields(object: Fields, mask: (key: string, value: unknown) => unknown): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(object)) {
    const masked = mask(key, value);
    if (masked === value) continue;
    copy ??= { ...object };
    copy[key] = masked;
  }
  return copy ?? object;
}

function maskObject(object: Fields, keysInside: boolean): Fields {
  if (object.kind === 'Secret') return maskSecret(object);
  if (object.kind === 'SecretList' && Array.isArray(object.items)) {
    return { ...object, items: maskItems(object.items, (item) => maskSecret(item as Fields)) };
  }
  return maskFields(object, (key, value) => maskField(key, value, object, keysInside));
}

/** A Secret keeps its names and loses every value, also the copy that `kubectl apply` leaves in an annotation. */
function maskSecret(secret: Fields): Fields {
  return maskFields(secret, (key, value) => {
    if (key === 'data' || key === 'stringData') return maskAll(value);
    if (key !== 'metadata' || typeof value !== 'object' || value === null) return maskField(key, value, secret);
    return maskFields(value as Fields, (field, inner) => {
      if (field !== 'annotations' || typeof inner !== 'object' || inner === null) return maskValue(inner);
      return maskFields(inner as Fields, (name, text) => (name === LAST_APPLIED ? MASKED : maskValue(text)));
    });
  });
}

function maskField(key: string, value: unknown, siblings: Fields, keysInside = false): unknown {
  if (typeof value === 'string') {
    if (value === '') return value;
    if (isSecretKey(key, siblings) || (key === 'key' && keysInside)) return MASKED;
    return DOCUMENTS.has(key) ? maskText(value) : maskString(value);
  }
  if (typeof value === 'number') return /pass(word|phrase|wd)?$|pwd$/i.test(key) ? MASKED : value;
  if (Array.isArray(value) && isSecretKey(key, siblings)) {
    return maskItems(value, (item) => (typeof item === 'string' ? MASKED : maskValue(item)));
  }
  return maskValue(value, holdsKeys(key, keysInside));
}

/** Every text and number below, whatever its key. */
function maskAll(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'boolean' || value === '') return value;
  if (Array.isArray(value)) return maskItems(value, maskAll);
  if (typeof value === 'object') return maskFields(value as Fields, (_key, inner) => maskAll(inner));
  return MASKED;
}
