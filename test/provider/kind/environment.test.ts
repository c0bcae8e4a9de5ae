import { expect, test } from 'vitest';
import { commandEnvironment } from '../../../src/provider/kind/environment.ts';
import { scenario } from '../../rehearsal/scenario-fixture.ts';

const LAB = scenario();

test('without a proxy the environment stays as it is', () => {
  const env = { PATH: '/bin', NO_PROXY: 'x' };
  expect(commandEnvironment(env, LAB)).toBe(env);
});

test.each(['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'])(
  'with %s everything inside the cluster goes past it',
  (name) => {
    const env = commandEnvironment({ [name]: 'http://proxy:3128', no_proxy: 'corp.example' }, LAB);
    const past = env.NO_PROXY!.split(',');
    expect(env.no_proxy).toBe(env.NO_PROXY);
    for (const entry of [
      'corp.example',
      '127.0.0.1',
      'localhost',
      LAB.cluster.podSubnet,
      LAB.cluster.serviceSubnet,
      '10.244.0.0/16',
      'kind-control-plane',
      'kind-worker4',
      '.svc',
    ]) {
      expect(past).toContain(entry);
    }
    expect(env[name]).toBe('http://proxy:3128');
    expect(new Set(past).size).toBe(past.length);
  },
);

test('what either variable says goes past it, also where one of them is empty', () => {
  for (const [upper, lower] of [
    ['', 'a.example,b.example'],
    ['a.example', 'b.example'],
  ]) {
    const env = commandEnvironment({ https_proxy: 'p', NO_PROXY: upper, no_proxy: lower }, LAB);
    expect(env.NO_PROXY!.split(',')).toEqual(expect.arrayContaining(['a.example', 'b.example']));
  }
});

test('the load balancer of several control planes is inside', () => {
  const ha = scenario({ cluster: { controlPlanes: 3 } });
  expect(commandEnvironment({ https_proxy: 'p' }, ha).NO_PROXY).toContain('kind-external-load-balancer');
});
