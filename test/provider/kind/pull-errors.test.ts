import { expect, test } from 'vitest';
import { pullCauseOf } from '../../../src/provider/kind/pull-errors.ts';

/** Texts as Docker 20.10 to 29 and the registries word them. */
test.each<[string, string, boolean]>([
  [
    'Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
    'error download-failed',
    true,
  ],
  [
    'error pulling image configuration: received unexpected HTTP status: 429 Too Many Requests',
    'error download-failed',
    true,
  ],
  [
    'Error response from daemon: manifest for quay.io/cilium/cilium:v1.19.6-does-not-exist not found: manifest unknown: manifest unknown',
    'refused image-missing',
    false,
  ],
  [
    "Error response from daemon: pull access denied for kindest/nothing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: failed to resolve reference "quay.io/cilium/cilium:v0": quay.io/cilium/cilium:v0: not found',
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries',
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: unauthorized: access to the requested resource is not authorized',
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: Head "https://ghcr.io/v2/nobody/nothing/manifests/1": denied',
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: failed to resolve reference "quay.io/nobody/nothing:1": unexpected status from HEAD request to https://quay.io/v2/nobody/nothing/manifests/1: 401 UNAUTHORIZED',
    'refused image-missing',
    false,
  ],
  [
    'Error response from daemon: Get "https://quay.io/v2/": proxyconnect tcp: Proxy Authentication Required',
    'error download-failed',
    true,
  ],
  ['invalid reference format', 'refused image-missing', false],
  ['failed to register layer: write /usr/bin/cilium-agent: no space left on device', 'error disk-full', false],
  [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'error tool-failed',
    false,
  ],
  [
    'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: no such host',
    'error download-failed',
    true,
  ],
  [
    'Error response from daemon: Get "https://quay.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    'error download-failed',
    true,
  ],
  ['received unexpected HTTP status: 502 Bad Gateway', 'error download-failed', true],
  ['docker did not end within 600 s', 'error download-failed', true],
  ['', 'error download-failed', true],
])('%s', (stderr, ending, again) => {
  const cause = pullCauseOf(stderr);
  const { verdict, reason, message } = cause.problem('r.example/i:1', 'Cilium 1.19.6');
  expect(`${verdict} ${reason}`).toBe(ending);
  expect(cause.again).toBe(again);
  expect(message).toContain('r.example/i:1');
  expect(message).toContain('Cilium 1.19.6');
});
