/** Which keys hold secrets, and which only speak of them. */

/** A key that ends in one of these holds a secret. */
const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'credential',
  'credentials',
  'apikey',
  'privatekey',
  'secretkey',
  'accesskey',
  'psk',
  'bearer',
  'authorization',
  'cookie',
  'dockerconfigjson',
  'dockercfg',
  'passwords',
  'tokens',
  'secrets',
]);

/** `key` alone says nothing (a taint's, a label's, a ConfigMap's); after one of these it is key material. */
const KEY_OWNERS = new Set([
  'private',
  'secret',
  'access',
  'api',
  'client',
  'server',
  'signing',
  'encryption',
  'ssh',
  'tls',
  'ca',
]);

/** `existingSecret: name`, `useSecret`, `imagePullSecrets`: the name of a Secret or a switch. */
const NAMES_ONE = new Set(['existing', 'use', 'enable', 'enabled', 'create', 'default', 'pull', 'name', 'sync']);

/** Sections of values in which a bare `key` is key material (cilium: `hubble.tls.server.key`, `tls.ca.key`). */
const KEY_SECTIONS = new Set(['tls', 'ca', 'ssl', 'cert', 'certs']);

const cache = new Map<string, 'secret' | 'bare-key' | 'no'>();

/** `clientKeyData`, `client-key-data`, `CLIENT_KEY_DATA` as `client`, `key`, `data`. */
function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

function classify(key: string): 'secret' | 'bare-key' | 'no' {
  const words = wordsOf(key);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (words.length === 1 && last === 'key') return 'bare-key';
  // docker's config.json: {auths: {REGISTRY: {auth: BASE64}}}.
  if (words.length === 1 && last === 'auth') return 'secret';
  if (SECRET_WORDS.has(last)) return words.some((word) => NAMES_ONE.has(word)) ? 'no' : 'secret';
  if (last === 'key') return KEY_OWNERS.has(before) ? 'secret' : 'no';
  // kubeconfig's client-key-data; its certificate-authority-data is public.
  if (last === 'data') return before === 'key' || before === 'token' ? 'secret' : 'no';
  return 'no';
}

/**
 * Does this key hold a secret? `siblings` are the fields of the same object: a bare `key` beside a certificate is key
 * material, and so is the `value` of an environment variable whose `name` says so.
 */
export function isSecretKey(key: string, siblings: Readonly<Record<string, unknown>>): boolean {
  let kind = cache.get(key);
  if (kind === undefined) {
    kind = classify(key);
    if (cache.size < 10_000) cache.set(key, kind);
  }
  if (kind === 'secret') return true;
  if (kind === 'bare-key') return 'cert' in siblings || 'crt' in siblings || 'certificate' in siblings;
  return key === 'value' && typeof siblings.name === 'string' && isSecretKey(siblings.name, {});
}

/**
 * Is a bare `key` here key material? `inside` says so for the object around; returns it for what is below `section`.
 * A bundle's `key` is a field of a ConfigMap (cilium: `tls.caBundle.key: ca.crt`).
 */
export function holdsKeys(section: string, inside: boolean): boolean {
  return !/bundle/i.test(section) && (inside || KEY_SECTIONS.has(section));
}

/** The same for a dotted path of values. */
export function isSecretPath(path: readonly string[]): boolean {
  const key = path.at(-1) ?? '';
  if (isSecretKey(key, {})) return true;
  return key === 'key' && path.slice(0, -1).reduce((inside, section) => holdsKeys(section, inside), false);
}
