import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../src/events/events.ts';
import { maskEvent, maskValue } from '../../src/events/mask.ts';
import { MASKED, maskText } from '../../src/events/mask-text.ts';

const KEY = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n-----END EC PRIVATE KEY-----\n';
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLW9mLWl0';

describe('values under keys', () => {
  test.each([
    ['password'],
    ['adminPassword'],
    ['DB_PASSWORD'],
    ['token'],
    ['bearerToken'],
    ['bearer-token'],
    ['secret'],
    ['clientSecret'],
    ['client-key-data'],
    ['clientKeyData'],
    ['apiKey'],
    ['privateKey'],
    ['tls.key'],
    ['ca.key'],
    ['ssh-private-key'],
    ['accessKey'],
    ['aws_secret_access_key'],
    ['.dockerconfigjson'],
    ['auth'],
    ['passphrase'],
    ['credentials'],
  ])('%s is masked', (key) => {
    expect(maskValue({ [key]: 'hunter2' })).toEqual({ [key]: MASKED });
  });

  test.each([
    ['agent-not-ready-taint-key', 'node.cilium.io/agent-not-ready'],
    ['agentNotReadyTaintKey', 'node.cilium.io/agent-not-ready'],
    ['policy-secrets-namespace', 'cilium-secrets'],
    ['secretsNamespace', 'cilium-secrets'],
    ['enable-policy-secrets-sync', 'true'],
    ['policy-secrets-only-from-secrets-namespace', 'true'],
    ['ingressSecretsNamespace', 'cilium-secrets'],
    ['secretName', 'cilium-ipsec-keys'],
    ['existingSecret', 'hubble-server-certs'],
    ['defaultSecretName', 'x'],
    ['tokenFile', '/var/run/token'],
    ['keyFile', 'keys'],
    ['topologyKey', 'kubernetes.io/hostname'],
    ['configMapKey', 'cni-config'],
    ['key', 'node-role.kubernetes.io/control-plane'],
    ['keyRotationDuration', '5m'],
    ['certificate-authority-data', base64(CERTIFICATE)],
    ['monkey', 'banana'],
    ['tokenTTL', '24h'],
    ['kind', 'Secret-ish'],
    ['authMode', 'migration'],
    ['authentication', 'mutual'],
  ])('%s stays', (key, value) => {
    const object = { [key]: value };
    expect(maskValue(object)).toBe(object);
  });

  test('switches, empty texts and references stay; numbers only where a password may be one', () => {
    const object = {
      useSecret: true,
      apiKey: true,
      secret: '',
      token: null,
      maxTokens: 12,
      automountServiceAccountToken: false,
      password: { valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
      imagePullSecrets: ['regcred', { name: 'other' }],
    };
    expect(maskValue(object)).toBe(object);
    expect(maskValue({ password: 1234, tokens: ['a', 'b'] })).toEqual({ password: MASKED, tokens: [MASKED, MASKED] });
  });

  test("a bare key is key material beside a certificate or in a section of certificates, not a taint's", () => {
    const values = {
      hubble: { tls: { server: { cert: CERTIFICATE, key: 'LS0' } } },
      tls: { ca: { key: 'abc' }, caBundle: { key: 'ca.crt' } },
      tolerations: [{ key: 'node.kubernetes.io/not-ready' }],
    };
    expect(maskValue(values)).toEqual({
      hubble: { tls: { server: { cert: CERTIFICATE, key: MASKED } } },
      tls: { ca: { key: MASKED }, caBundle: { key: 'ca.crt' } },
      tolerations: [{ key: 'node.kubernetes.io/not-ready' }],
    });
  });

  test('an environment variable is judged by its name', () => {
    expect(maskValue([{ name: 'API_TOKEN', value: 'abc' }])).toEqual([{ name: 'API_TOKEN', value: MASKED }]);
    const harmless = [{ name: 'IP_AUTODETECTION_METHOD', value: 'kubernetes-internal-ip' }];
    expect(maskValue(harmless)).toBe(harmless);
  });

  test('a Secret keeps its names and loses its values, wherever it stands', () => {
    const secret = {
      kind: 'Secret',
      metadata: {
        name: 's',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"user":"YQ=="}}', note: 'mine' },
      },
      type: 'Opaque',
      data: { user: 'YQ==', empty: '' },
      stringData: { url: 'http://x' },
    };
    const masked = {
      kind: 'Secret',
      metadata: {
        name: 's',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': MASKED, note: 'mine' },
      },
      type: 'Opaque',
      data: { user: MASKED, empty: '' },
      stringData: { url: MASKED },
    };
    expect(maskValue(secret)).toEqual(masked);
    expect(maskValue({ kind: 'List', items: [secret] })).toEqual({ kind: 'List', items: [masked] });
    const { kind: _kind, ...bare } = secret;
    const { kind: _other, ...bareMasked } = masked;
    expect(maskValue({ kind: 'SecretList', items: [bare] })).toEqual({ kind: 'SecretList', items: [bareMasked] });
    const config = { kind: 'ConfigMap', data: { user: 'a' } };
    expect(maskValue(config)).toBe(config);
  });
});

describe('strings anywhere', () => {
  test.each([
    [KEY, `${MASKED}\n`],
    [`cut: -----BEGIN PRIVATE KEY-----\nMII`, `cut: ${MASKED}`],
    [base64(KEY), MASKED],
    [`Authorization: Bearer abcdef0123456789`, `Authorization: Bearer ${MASKED}`],
    ['authorization: basic dXNlcjpwYXNz', `authorization: basic ${MASKED}`],
    [`got ${JWT} back`, `got ${MASKED} back`],
    ['https://user:pass@example.org/x', `https://user:${MASKED}@example.org/x`],
    ['helm upgrade --password hunter2 --wait', `helm upgrade --password ${MASKED} --wait`],
    ['helm --token=abc x', `helm --token=${MASKED} x`],
    ['cilium --set x.clientSecret=abc,y=1', `cilium --set x.clientSecret=${MASKED},y=1`],
    ['{"error":"x","password":"p\\"w"}', `{"error":"x","password":"${MASKED}"}`],
    ['ghp_0123456789abcdefghijABCDEFGHIJ', MASKED],
  ])('%s', (text, masked) => {
    expect(maskValue({ message: text })).toEqual({ message: masked });
  });

  test.each([
    [CERTIFICATE],
    [base64(CERTIFICATE)],
    ['calico-kubeconfig: the token changed'],
    ['basic connectivity between pods failed'],
    ['bearer authentication is off'],
    ['taint agent-not-ready-taint-key=node.cilium.io/agent-not-ready'],
    ['http://10.0.0.1:8080/ping@3'],
    ['Get "http://192.168.0.1:8080/ping": context deadline exceeded'],
    ['secret "regcred" not found'],
    ['kubectl label node kind-worker io.cilium.migration/cilium-default-'],
  ])('stays: %s', (text) => {
    expect(maskValue({ message: text })).toEqual({ message: text });
  });
});

describe('documents', () => {
  test('YAML keeps its comments and layout', () => {
    const text = [
      '# the lab',
      'apiVersion: v1',
      'kind: Secret',
      'metadata: { name: db }',
      'stringData:',
      '  user: admin # who',
      '  note: |',
      '    two',
      '    lines',
      '---',
      'kind: Pod',
      'spec:',
      '  containers:',
      '    - name: a',
      '      env:',
      '        - { name: TOKEN, value: abc }',
      '        - { name: LEVEL, value: info }',
      '',
    ].join('\n');
    const masked = maskText(text);
    expect(masked).toContain('# the lab');
    expect(masked).toContain('\n---\nkind: Pod\n');
    expect(masked).toContain(`user: ${MASKED}`);
    expect(masked).toContain(`{ name: TOKEN, value: ${MASKED} }`);
    expect(masked).toContain('{ name: LEVEL, value: info }');
    expect(masked).not.toMatch(/admin|two|lines|abc/);
  });

  test('a kubeconfig keeps its certificates', () => {
    const text = `users:\n- name: a\n  user:\n    client-certificate-data: ${base64(CERTIFICATE)}\n    client-key-data: ${base64(KEY)}\n    token: abc\n`;
    const masked = maskText(text);
    expect(masked).toContain(base64(CERTIFICATE));
    expect(masked).not.toContain(base64(KEY));
    expect(masked).not.toContain('abc\n');
  });

  test('JSON, also of one line', () => {
    expect(maskText('{"kind":"Secret","data":{"a":"YQ=="}}')).not.toContain('YQ==');
    expect(JSON.parse(maskText('{\n  "user": "a",\n  "password": "b"\n}'))).toEqual({ user: 'a', password: MASKED });
  });

  test('a log is masked line by line, and nothing else of it changes', () => {
    const log = 'level=info msg="Starting"\n  token: abc\n{broken: [\nlevel=info token=abc done\nkey: value\n';
    expect(maskText(log)).toBe(
      `level=info msg="Starting"\n  token: ${MASKED}\n{broken: [\nlevel=info token=${MASKED} done\nkey: value\n`,
    );
  });

  test('a document without secrets is the same text', () => {
    const text = 'kind: Pod\nspec:   {tolerations: [{key: a}],   serviceAccountName: b} # odd spacing\n';
    expect(maskText(text)).toBe(text);
  });
});

describe('events', () => {
  test('an event without secrets is the same object', () => {
    const body: EventBody = { type: 'step-ended', step: 'drain/kind-worker', outcome: 'passed', message: '' };
    expect(maskEvent(body)).toBe(body);
  });

  test('values and what changed in them, by path', () => {
    const body: EventBody = {
      type: 'values',
      moment: 'final',
      values: { hubble: { tls: { server: { key: 'abc' } } } },
      changed: [
        { path: 'hubble.tls.server.key', before: null, after: 'abc' },
        { path: 'etcd.password', before: 'a', after: 'b' },
        { path: 'agentNotReadyTaintKey', before: 'a', after: 'b' },
      ],
    };
    const masked = maskEvent(body);
    expect(masked).toEqual({
      ...body,
      values: { hubble: { tls: { server: { key: MASKED } } } },
      changed: [
        { path: 'hubble.tls.server.key', before: null, after: MASKED },
        { path: 'etcd.password', before: MASKED, after: MASKED },
        { path: 'agentNotReadyTaintKey', before: 'a', after: 'b' },
      ],
    });
  });

  test("files, evidence and the scenario's manifests are documents", () => {
    const secret = 'kind: Secret\ndata:\n  a: YQ==\n';
    const masked = maskEvent({ type: 'evidence', file: 'x', content: secret });
    expect(masked).toMatchObject({ content: `kind: Secret\ndata:\n  a: ${MASKED}\n` });
    expect(maskValue({ workloads: [{ file: 'x', manifest: secret }] })).toEqual({
      workloads: [{ file: 'x', manifest: `kind: Secret\ndata:\n  a: ${MASKED}\n` }],
    });
  });
});
